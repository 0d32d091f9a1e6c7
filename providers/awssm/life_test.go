package awssm

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/keyrotate/rotate/internal/test/awsfake"
	"github.com/keyrotate/rotate/internal/test/fakes"
	"github.com/keyrotate/rotate/internal/test/life"
	"github.com/keyrotate/rotate/providers"
	"github.com/keyrotate/rotate/providers/providertest"
	"github.com/keyrotate/rotate/rotation/engine"
	"github.com/keyrotate/rotate/rotation/keyset"
	"github.com/keyrotate/rotate/secret"
)

var service = life.Service{
	New:     world,
	Changes: []string{"CreateSecret", "PutSecretValue", "UpdateSecretVersionStage"},
	Faults: map[string]life.Fault{
		"500 after":            {Fault: fakes.Fault{After: &awsfake.Error{Status: 500, Code: "InternalServiceError", Message: "An error occurred on the server side."}}},
		"AccessDenied":         {Fault: fakes.Fault{Before: &awsfake.Error{Status: 400, Code: "AccessDeniedException", Message: "not authorized"}}},
		"throttled":            {Fault: fakes.Fault{Before: &awsfake.Error{Status: 400, Code: "ThrottlingException", Message: "Rate exceeded"}}},
		providertest.Throttled: {Fault: fakes.Fault{Before: &awsfake.Error{Status: 429, Code: "TooManyRequestsException", Message: "Rate exceeded", RetryAfter: 7}}},
		providertest.Denied:    {Fault: fakes.Fault{Before: &awsfake.Error{Status: 403, Code: "AccessDenied", Message: "an endpoint's policy"}}},
		providertest.TimedOut:  {Fault: fakes.Fault{After: os.ErrDeadlineExceeded}},
		"KMS":                  {Fault: fakes.Fault{Before: &awsfake.Error{Status: 400, Code: "EncryptionFailure", Message: "KMS key is disabled"}}},
	},
	Failed: 2,
	Races:  []life.Race{{Name: "made by Terraform", Begin: func(w life.World) { w.Fake.(*awsfake.Fake).Edit(name, func(*awsfake.Secret) {}) }}},
}

func world(testing.TB) life.World {
	f := awsfake.New()
	return life.World{
		Fake: f, Script: &f.Script,
		Open:   func(context.Context) (providers.Store, error) { return onFake(f, Config{}), nil },
		Frozen: func(s providers.Store) providers.Store { return s },
		Ends:   func(l *life.Life, _ providers.Revision, set *keyset.Set) { oneLabel(l, f, set) },
	}
}

// oneLabel is promise 4, as far as AWS goes: no labelled version holds a key that
// is not current, and none but the head has a label.
func oneLabel(l *life.Life, f *awsfake.Fake, set *keyset.Set) {
	l.T.Helper()
	values, stages := f.Values(name), f.Stages(name)
	for id, labels := range stages {
		for _, text := range l.Superseded(set) {
			if strings.Contains(values[id], text) {
				l.T.Errorf("version %s, labelled %v, still holds a key that is not current", id, labels)
			}
		}
	}
	if len(stages) != 1 {
		l.T.Errorf("labels are left on %d versions: %v", len(stages), stages)
	}
}

func newLife(t testing.TB) (*life.Life, *awsfake.Fake) {
	w := world(t)
	return life.New(t, w), w.Fake.(*awsfake.Fake)
}

func TestOneLife(t *testing.T) {
	service.OneLife(t, map[string]int{"CreateSecret": 1, "PutSecretValue": 5})
}

func TestPromise10EveryCallMayFail(t *testing.T) { service.EveryCallMayFail(t) }

func TestPromise5SixteenRotators(t *testing.T) { service.SixteenRotators(t) }

// Reads that are as old as the store declares, for a whole life.
func TestLifeOnStaleReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f := newLife(t)
		f.Stale(stale)
		l.Run(life.Every + 5*life.Day)
		f.Stale(0)
		l.EndsWell()
	})
}

// An output of the format value keeps the version before readable, under
// AWSPREVIOUS, for as long as its key verifies, and no longer.
func TestValueOutputKeepsAWSPREVIOUS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f := newLife(t)
		if err := l.Start(); err != nil {
			t.Fatal(err)
		}
		const value = "prod/mobile/jwt"
		l.Target.Outputs = []engine.Output{{
			Name: "aws " + value, Store: l.Target.Store, Secret: value, OneKey: true, Format: "value",
			Render: func(s *keyset.Set) (secret.Text, error) { return s.Signing().Text(), nil },
		}}
		previous := func() (texts []string) {
			values := f.Values(value)
			for id, stages := range f.Stages(value) {
				if slices.Contains(stages, "AWSPREVIOUS") {
					texts = append(texts, values[id])
				}
			}
			return texts
		}
		l.Run(life.Every + life.Day)
		old := l.Made()[0]
		if got := previous(); len(got) != 1 || got[0] != old {
			t.Errorf("in the grace %d values are AWSPREVIOUS, want the key before", len(got))
		}
		l.Run(3 * life.Day)
		values := f.Values(value)
		for id, stages := range f.Stages(value) {
			if len(stages) > 0 && values[id] == old {
				t.Errorf("after the grace the old key is still labelled %v", stages)
			}
		}
		for _, err := range l.Errs() {
			t.Error(err)
		}
	})
}
