// Package awssm keeps each secret in AWS Secrets Manager.
//
// The head is the version that carries AWSCURRENT. Every version that rotate
// writes carries one staging label of ours, see label: it holds the version's
// note, and it is what keeps a superseded version listed until it is erased.
//
// The service has no conditional write. The only call that compares anything is
// UpdateSecretVersionStage, which refuses to move a label that is not where
// RemoveFromVersionId says [1]. So a write puts its value beside the head, under
// a label of its own, and then moves AWSCURRENT from the base. Who is refused
// lost the race. Nobody finishes another's move: it could undo a rollback that a
// person made.
//
// [1]: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
package awssm

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"

	"github.com/keyrotate/rotate/providers"
)

const (
	maxValue = 65536            // bytes: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
	stale    = 10 * time.Second // no bound is documented; see docs/providers/awssm.md
	timeout  = 30 * time.Second // of one call

	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

// Config is the store's part of the config file. Credentials are those of the
// surroundings: environment, profile, web identity, container or instance role.
type Config struct {
	Region   string            `yaml:"region" doc:"AWS region, such as eu-west-1; left out, that of the environment or profile."`
	Endpoint string            `yaml:"endpoint" doc:"Another address of the service, such as a VPC endpoint."`
	Profile  string            `yaml:"profile" doc:"Profile of the shared AWS config files."`
	Role     string            `yaml:"role" doc:"ARN of a role to assume with the credentials of the surroundings."`
	KMSKey   string            `yaml:"kms_key" doc:"ARN, id or alias of the KMS key of secrets that rotate creates; left out, aws/secretsmanager."`
	Tags     map[string]string `yaml:"tags" doc:"Tags of secrets that rotate creates."`
	Replicas []string          `yaml:"replicas" doc:"Regions to which secrets that rotate creates are replicated."`
}

// Validate refuses an endpoint on which keys could be overheard.
func (c *Config) Validate() error {
	if c.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("endpoint is not a URL such as https://vpce-….secretsmanager.eu-west-1.vpce.amazonaws.com")
	case u.Scheme == "http" && !slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname()):
		return errors.New("endpoint has to begin with https: keys go over it")
	}
	return nil
}

// Where tells people, and the config, which secret is meant.
func (c *Config) Where(secret string) string {
	where := "AWS Secrets Manager"
	for _, part := range []string{c.Endpoint, c.Region, c.Profile, c.Role} {
		if part != "" {
			where += ", " + part
		}
	}
	return where + ", " + secret
}

// Open finds the region and the credentials. It does not call the service.
func (c *Config) Open(ctx context.Context) (_ providers.Store, err error) {
	defer dress(&err, "open", "awssm")
	if err := c.Validate(); err != nil {
		return nil, unsafe(err, "")
	}
	conf, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(c.Region), config.WithSharedConfigProfile(c.Profile),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(timeout)),
		config.WithLogger(logging.Nop{})) // what matters comes as an error
	if err != nil {
		return nil, unsafe(err, "look at AWS_PROFILE and the files in ~/.aws")
	}
	if conf.Region == "" {
		return nil, unsafe(errors.New("no region is set"), "give the store a region: {type: awssm, region: eu-west-1}")
	}
	if c.Role != "" {
		conf.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(conf), c.Role,
			func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = "rotate" }))
	}
	return c.store(conf), nil
}

// store is the part of Open that reads no surroundings.
func (c *Config) store(conf aws.Config) *store {
	conf.ClientLogMode = 0 // requests hold values
	return &store{conf: *c, region: conf.Region, api: secretsmanager.NewFromConfig(conf, func(o *secretsmanager.Options) {
		o.HTTPClient = whole{o.HTTPClient}
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	})}
}

// whole is a client that reads a reply to its end before it hands it on. The SDK
// closes the request's body first, and with a server that answers quickly that
// has been seen to close the connection under the reply.
type whole struct{ secretsmanager.HTTPClient }

func (w whole) Do(r *http.Request) (*http.Response, error) {
	res, err := w.HTTPClient.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // all there is was read, or is an error already
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// store implements providers.Store. Its handles share nothing but the service.
type store struct {
	conf   Config
	region string
	api    *secretsmanager.Client
}

// Traits implements providers.Store.
func (s *store) Traits() providers.Traits {
	return providers.Traits{
		Type: "awssm", MaxValue: maxValue, Stale: stale, Clock: true, Witness: true,
		Erases: providers.Unlabelled,
		// 50 writes a second and account, of which a Write makes two: the put and the
		// move ("AWS Secrets Manager quotas": combined rate of PutSecretValue,
		// UpdateSecretVersionStage and others).
		WritesAMinute: 150,
		Remains: "Unlabelled versions: whoever may call GetSecretValue and knows a version's id can read it until AWS removes it, " +
			"which it does in its own time, when a secret has more than 100 versions and not within a version's first 24 hours.",
		Notes: []string{
			fmt.Sprintf("At most %d superseded versions keep their label, because a secret has 20 labels in all: a write unlabels the oldest.", keep),
			"A secret that was deleted for good (force-delete-without-recovery, or after its recovery window) looks as if it never was.",
			"The witness is the note on AWSPREVIOUS, which moves with AWSCURRENT: two changes from outside in a row hide it.",
		},
	}
}

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
	if !validName.MatchString(name) {
		return state{}, &providers.Error{Kind: providers.ErrBadName, Hint: "AWS takes 1 to 512 letters, digits and /_+=.@-"}
	}
	out, err := s.api.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &name})
	switch {
	case err != nil:
		return state{service: servedError(err)}, failed(ctx, err, false)
	case out.DeletedDate != nil:
		return state{}, &providers.Error{
			Kind: providers.ErrUnreadable, Err: fmt.Errorf("it is scheduled for deletion, since %s", out.DeletedDate.UTC().Format(time.RFC3339)),
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
		if r.Status != "InSync" {
			st.syncing = fmt.Sprintf("the replica in %s is %s %s", aws.ToString(r.Region), r.Status, aws.ToString(r.StatusMessage))
		}
	}
	return st, nil
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
var validName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)

// newest is the label that was made last of those known to have been the head's.
// After a rollback it is on AWSPREVIOUS, which follows AWSCURRENT.
func (st state) newest() label {
	cur, prev := st.versions[st.cur].label, st.versions[st.prev].label
	if prev.seq > cur.seq {
		return prev
	}
	return cur
}

// above tells whether a version was made on the head, or on what it was rolled
// back from. Someone is about to move AWSCURRENT to it, or a killed writer left
// it; the next head shows which.
func (st state) above(v version) bool {
	top := st.versions[st.cur].label.seq
	if top == 0 { // made from outside
		top = st.newest().seq
	}
	return v.label.seq > top
}

// below lists what is superseded, or lost its race, and has a label; oldest
// first.
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

// Read implements providers.Store. The witness is read before the value: a
// writer who comes between the two then leaves us with a witness behind the
// head, which says nothing, and not with one before it.
func (s *store) Read(ctx context.Context, name string) (_ providers.Revision, err error) {
	defer dress(&err, "read", name)
	for range 3 {
		st, err := s.look(ctx, name)
		switch {
		case err != nil:
			return providers.Revision{}, err
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
	defer dress(&err, "history", name)
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
