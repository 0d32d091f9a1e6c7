// Package awssm keeps each secret in AWS Secrets Manager.
//
// The head is the version that carries AWSCURRENT. rotate puts one staging label on every version that it writes (see
// label). The label holds the version's note. It also keeps a superseded version listed until rotate erases it.
//
// The service has no conditional write. Only UpdateSecretVersionStage compares anything. It refuses to move a label
// that is not where RemoveFromVersionId says [1]. So a write puts its value beside the head, under a label of its own,
// and then moves AWSCURRENT from the base. A writer that is refused has lost the race. rotate never finishes another
// writer's move, since that could undo a person's rollback.
//
// [1]: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
package awssm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go/middleware"

	"github.com/keyrotate/rotate/providers"
)

const (
	maxValue = 65536            // bytes: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
	stale    = 10 * time.Second // no bound is documented; see docs/providers/awssm.md

	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

// store implements providers.Store. Its handles share nothing but the service.
type store struct {
	conf   Config
	region string
	api    *secretsmanager.Client

	endpoint string // other than the vendor's own; "" for that
}

// WritesAMinute implements providers.Paced: a tenth of the quota.
// 50 writes a second and account, of which a Write makes two: the put and the
// move ("AWS Secrets Manager quotas": combined rate of PutSecretValue,
// UpdateSecretVersionStage and others).
func (c *Config) WritesAMinute() int { return 150 }

// Traits implements providers.Store.
func (s *store) Traits() providers.Traits {
	return providers.Traits{
		Type: "awssm", MaxValue: maxValue, Stale: stale, Clock: true, Witness: true,
		Erases:        providers.Unlabelled,
		WritesAMinute: s.conf.WritesAMinute(),
		TakesName:     takesName, NameRule: nameRule,
		Remains: "Unlabelled versions: whoever may call GetSecretValue and knows a version's id can read it until AWS removes it, " +
			"which it does in its own time, when a secret has more than 100 versions and not within a version's first 24 hours.",
		Notes: []string{
			fmt.Sprintf("At most %d superseded versions keep their label, because a secret has 20 labels in all: a write unlabels the oldest.", keep),
			"A secret that was deleted for good (force-delete-without-recovery, or after its recovery window) looks as if it never was.",
			"The witness is the note on AWSPREVIOUS, which moves with AWSCURRENT: two changes from outside in a row hide it.",
		},
	}
}

// Read implements providers.Store. It reads the witness before the value. If another writer comes between the two, the
// witness is older than the head, which is harmless. The other way round it would be newer.
func (s *store) Read(ctx context.Context, name string) (_ providers.Revision, err error) {
	defer providers.Dress(&err, "read", name)
	for range 3 {
		st, err := s.look(ctx, name)
		switch {
		case err != nil:
			return providers.Revision{}, err
		// guard incident 14: a secret without a version is nothing stored yet
		case len(st.versions) == 0:
			return providers.Revision{}, &providers.Error{Kind: providers.ErrNotFound, Err: errors.New("the secret exists and has no value yet")}
		case st.cur == "":
			return providers.Revision{}, &providers.Error{Kind: providers.ErrUnreadable, Err: errors.New("no version has the label AWSCURRENT"), Hint: "put it back on the right one with aws secretsmanager update-secret-version-stage"}
		}
		out, err := s.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name, VersionStage: aws.String(current)})
		if err != nil {
			err = failed(ctx, err, false)
			if errors.Is(err, providers.ErrNotFound) { // it was there a moment ago
				err = &providers.Error{Kind: providers.ErrUnreadable, Err: err}
			}
			return providers.Revision{}, err
		}
		l, newest := st.versions[aws.ToString(out.VersionId)].label, st.newest()
		if aws.ToString(out.VersionId) != st.cur {
			if l = parseLabel(out.VersionStages...); l.seq <= newest.seq {
				continue // rolled back meanwhile, or one of the two answers is old
			}
			newest = l
		}
		value := out.SecretBinary
		if out.SecretString != nil {
			value = []byte(*out.SecretString)
		}
		return providers.Revision{
			ID: providers.RevisionID(aws.ToString(out.VersionId)), Value: providers.NewSecret(value), Note: l.note, Witness: newest.witness,
			Created: aws.ToTime(out.CreatedDate), Service: served(out.ResultMetadata),
		}, nil
	}
	return providers.Revision{}, &providers.Error{Kind: providers.ErrUnavailable, Err: errors.New("the service does not agree with itself on which version is AWSCURRENT")}
}

// History implements providers.Store: what has a label, in the order of the
// writes.
func (s *store) History(ctx context.Context, name string) (_ []providers.Revision, err error) {
	defer providers.Dress(&err, "history", name)
	st, err := s.look(ctx, name)
	if errors.Is(err, providers.ErrNotFound) || err == nil && st.cur == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var revs []providers.Revision
	for _, v := range append(st.below(), st.versions[st.cur]) {
		revs = append(revs, providers.Revision{
			ID: providers.RevisionID(v.id), Note: v.label.note, Witness: st.newest().witness, Created: v.label.at, Service: st.service,
		})
	}
	return revs, nil
}

// served is the service's clock, from the Date header.
func served(md middleware.Metadata) time.Time {
	t, _ := awsmiddleware.GetServerTime(md)
	return t
}

// servedError is the same for a reply that is a refusal.
func servedError(err error) (t time.Time) {
	if reply := (*awshttp.ResponseError)(nil); errors.As(err, &reply) {
		t, _ = http.ParseTime(reply.Response.Header.Get("Date"))
	}
	return t
}
