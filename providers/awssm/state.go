package awssm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/providers"
)

// A state is what DescribeSecret tells of a secret: one consistent look at all
// labels.
type state struct {
	cur, prev  string             // ids of the versions with AWSCURRENT and AWSPREVIOUS, or ""
	versions   map[string]version // those with any label
	syncing    string             // why the secret is not to be changed now, or ""
	replicated bool
	service    time.Time
}

type version struct {
	id     string
	stages []string
	label  label
}

// look describes a secret and refuses one that is not ours to work on.
func (s *store) look(ctx context.Context, name string) (state, error) {
	if ctx.Err() != nil {
		return state{}, failed(ctx, nil, false)
	}
	out, err := s.api.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &name})
	switch {
	case err != nil:
		return state{service: servedError(err)}, failed(ctx, err, false)
	case out.DeletedDate != nil:
		return state{}, &providers.Error{
			Kind: providers.ErrUnreadable, Err: fmt.Errorf("it waits for its deletion, with the date %s", out.DeletedDate.UTC().Format(time.RFC3339)),
			Hint: "aws secretsmanager restore-secret --secret-id " + name,
		}
	case aws.ToBool(out.RotationEnabled):
		return state{}, unsafe(errors.New("AWS rotates it by itself: RotationEnabled"), "two owners would overwrite each other: aws secretsmanager cancel-rotate-secret --secret-id "+name)
	case aws.ToString(out.OwningService) != "":
		return state{}, unsafe(fmt.Errorf("it belongs to the AWS service %s", *out.OwningService), "give the key another secret")
	}
	st := state{versions: map[string]version{}, service: served(out.ResultMetadata)}
	for id, stages := range out.VersionIdsToStages {
		if len(stages) == 0 {
			continue
		}
		v := version{id: id, stages: stages, label: parseLabel(stages...)}
		if slices.Contains(stages, current) {
			st.cur = id
			if first := parseLabel(strings.Fields(aws.ToString(out.Description))...); v.label.seq == 0 && first.of(id) {
				v.label = first // created, but not yet labelled
			}
		}
		if slices.Contains(stages, previous) {
			st.prev = id
		}
		st.versions[id] = v
	}
	if aws.ToString(out.PrimaryRegion) != "" && *out.PrimaryRegion != s.region {
		st.syncing = fmt.Sprintf("this is a replica, the secret is in %s", *out.PrimaryRegion)
	}
	st.replicated = len(out.ReplicationStatus) > 0
	for _, r := range out.ReplicationStatus {
		// guard incident 29: a replica that is not in sync is waited for
		if r.Status != "InSync" {
			st.syncing = fmt.Sprintf("the replica in %s is %s %s", aws.ToString(r.Region), r.Status, aws.ToString(r.StatusMessage))
		}
	}
	return st, nil
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
func takesName(name string) bool { return len(name) <= 512 && validChars().MatchString(name) }

const nameRule = "AWS takes 1 to 512 letters, digits and /_+=.@-; of an ARN give the name alone, which is after :secret: and before the last - and six characters, and its region as the store's"

// NameRule implements providers.Namer.
func (c *Config) NameRule() (func(name string) bool, string) { return takesName, nameRule }

var validChars = lazy.Regexp(`^[A-Za-z0-9/_+=.@-]+$`)

// newest is the label that was made last of those known to have been the head's.
// After a rollback it is on AWSPREVIOUS, which follows AWSCURRENT.
func (st state) newest() label {
	cur, prev := st.versions[st.cur].label, st.versions[st.prev].label
	if prev.seq > cur.seq {
		return prev
	}
	return cur
}

// above tells whether a version was made on the head, or on the version that a rollback left. Either someone is about
// to move AWSCURRENT to it, or a killed writer left it. The next head shows which.
func (st state) above(v version) bool {
	top := st.versions[st.cur].label.seq
	if top == 0 { // made from outside
		top = st.newest().seq
	}
	return v.label.seq > top
}

// below lists the versions with a label that are superseded or lost their race, the oldest first.
func (st state) below() []version {
	var all []version
	for _, v := range st.versions {
		if v.id != st.cur && !st.above(v) {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, older)
	return all
}

func older(a, b version) int {
	return cmp.Or(cmp.Compare(a.label.seq, b.label.seq), a.label.at.Compare(b.label.at), cmp.Compare(a.id, b.id))
}
