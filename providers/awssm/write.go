package awssm

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/keyrotate/rotate/providers"
)

const (
	maxLabels = 20        // of all versions of a secret together: reference_limits.html
	keep      = 8         // superseded versions that keep their label; the rest is for AWSCURRENT, AWSPREVIOUS and writers at work
	abandoned = time.Hour // after which a value put and never moved is taken to be of a killed writer
)

// once turns the SDK's retries off, so that nothing repeats a write without rotate's knowledge.
func once(o *secretsmanager.Options) { o.Retryer = aws.NopRetryer{} }

// An entry is a version about to be written.
type entry struct {
	token  string // becomes the version's id
	text   *string
	binary []byte
	label  label
}

// Write implements providers.Store.
func (s *store) Write(ctx context.Context, name string, v providers.Secret, after providers.RevisionID, n providers.Note) (_ providers.Revision, err error) {
	defer providers.Dress(&err, "write", name)
	st, err := s.look(ctx, name)
	absent := errors.Is(err, providers.ErrNotFound)
	switch {
	case err != nil && !absent:
		return providers.Revision{}, err
	case st.cur != string(after):
		return providers.Revision{}, conflict()
	case st.cur == "" && len(st.versions) > 0:
		return providers.Revision{}, &providers.Error{Kind: providers.ErrUnreadable, Err: errors.New("no version has the label AWSCURRENT")}
	case st.syncing != "":
		return providers.Revision{}, &providers.Error{Kind: providers.ErrUnavailable, Err: errors.New(st.syncing), Hint: "rotate writes where the secret was made, and waits until each replica is InSync: aws secretsmanager describe-secret --secret-id " + name}
	}
	e, err := newEntry(st, v, n)
	if err != nil {
		return providers.Revision{}, err
	}
	var id string
	var at time.Time
	switch {
	case absent:
		id, at, err = s.create(ctx, name, e)
	case st.cur == "":
		id, at, err = s.first(ctx, name, e)
	default:
		if err = s.makeRoom(ctx, name, st); err == nil {
			id, at, err = s.swap(ctx, name, e, st)
		}
	}
	if err != nil {
		return providers.Revision{}, err
	}
	return providers.Revision{ID: providers.RevisionID(id), Value: v, Note: n, Witness: e.label.witness, Service: at}, nil
}

// newEntry prepares a version. Its note follows the newest note of the state.
func newEntry(st state, v providers.Secret, n providers.Note) (entry, error) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	e := entry{token: hex.EncodeToString(random[:])}
	base := st.newest()
	e.label = label{seq: base.seq + 1, at: st.service, nonce: e.token[:nonceLen], note: n, witness: base.witness.Newest(n)}
	if len(e.label.String()) > maxLabel {
		return e, unsafe(errors.New("the note does not fit into a staging label"), "this is a mistake in rotate")
	}
	if value := v.Reveal(); utf8.Valid(value) {
		e.text = aws.String(string(value))
	} else {
		e.binary = value
	}
	return e, nil
}

// create makes the secret with its first value, or finds that someone else did: names are unique, and the token is
// new. The service takes no labels with a first value. So the note stands in the description until the label is there.
func (s *store) create(ctx context.Context, name string, e entry) (string, time.Time, error) {
	in := &secretsmanager.CreateSecretInput{
		Name: &name, ClientRequestToken: &e.token, SecretString: e.text, SecretBinary: e.binary,
		Description: aws.String("Keyset of rotate; change it only with rotate. First version: " + e.label.String()),
	}
	if s.conf.KMSKey != "" {
		in.KmsKeyId = &s.conf.KMSKey
	}
	for k, v := range s.conf.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: &k, Value: &v})
	}
	for _, r := range s.conf.Replicas {
		in.AddReplicaRegions = append(in.AddReplicaRegions, types.ReplicaRegionType{Region: &r})
	}
	out, err := s.api.CreateSecret(ctx, in, once)
	if err != nil {
		return "", time.Time{}, failed(ctx, err, true)
	}
	id := aws.ToString(out.VersionId)
	// The value is the head by now. Readers read it without its label, and rotate erases it once it is AWSPREVIOUS. So
	// Write succeeds whatever this call returns.
	_, _ = s.api.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &name, VersionStage: aws.String(e.label.String()), MoveToVersionId: &id,
	}, once)
	return id, served(out.ResultMetadata), nil
}

// put stores a value beside the head.
func (s *store) put(ctx context.Context, name string, e entry) (*secretsmanager.PutSecretValueOutput, error) {
	out, err := s.api.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &name, ClientRequestToken: &e.token, SecretString: e.text, SecretBinary: e.binary, VersionStages: []string{e.label.String()},
	}, once)
	if err != nil {
		return nil, failed(ctx, err, true)
	}
	return out, nil
}

// first puts the first value of a secret that was made without one, as Terraform does. The service gives AWSCURRENT to
// the first version by itself. If several writers came at once, a look afterwards tells whose version that was.
func (s *store) first(ctx context.Context, name string, e entry) (string, time.Time, error) {
	out, err := s.put(ctx, name, e)
	if err != nil {
		return "", time.Time{}, err
	}
	id := aws.ToString(out.VersionId)
	st, err := s.look(ctx, name)
	switch {
	case err != nil || st.cur == "":
		return "", time.Time{}, &providers.Error{Kind: providers.ErrUnclear, Err: err}
	case st.cur != id:
		s.drop(ctx, name, id, e.label.String())
		return "", time.Time{}, conflict()
	}
	return id, st.service, nil
}

// swap puts a value beside the head and then makes it the head, if the head is
// still the base.
func (s *store) swap(ctx context.Context, name string, e entry, base state) (string, time.Time, error) {
	out, err := s.put(ctx, name, e)
	if err != nil {
		return "", time.Time{}, err
	}
	id := aws.ToString(out.VersionId)
	if slices.Contains(out.VersionStages, current) {
		return "", time.Time{}, &providers.Error{Kind: providers.ErrUnclear, Err: errors.New("the service made the value AWSCURRENT although it was put under another label")}
	}
	if err := s.inSync(ctx, name, base); err != nil {
		s.drop(ctx, name, id, e.label.String())
		return "", time.Time{}, err
	}
	moved, err := s.api.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &name, VersionStage: aws.String(current), MoveToVersionId: &id, RemoveFromVersionId: &base.cur,
	}, once)
	switch {
	case refused(err):
		s.drop(ctx, name, id, e.label.String())
		return "", time.Time{}, conflict()
	case err != nil:
		err = failed(ctx, err, true)
		if !errors.Is(err, providers.ErrUnclear) { // it will not become the head
			s.drop(ctx, name, id, e.label.String())
		}
		return "", time.Time{}, err
	}
	return id, served(moved.ResultMetadata), nil
}

// inSync waits until all replicas have the new value. A second change before that has left replicas stuck
// (square/password-rotation-lambda#12).
func (s *store) inSync(ctx context.Context, name string, base state) error {
	if !base.replicated {
		return nil
	}
	for range 20 {
		st, err := s.look(ctx, name)
		switch {
		case err != nil:
			return err
		case st.syncing == "":
			return nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return failed(ctx, nil, false)
		}
	}
	return &providers.Error{Kind: providers.ErrUnavailable, Err: errors.New("a replica does not come InSync"), Hint: "aws secretsmanager describe-secret --secret-id " + name}
}

// drop takes the label from a value that lost its race. The value holds a key that must not stay, so drop works even
// if the caller gave up. If it fails, the sweep below the next head does it.
func (s *store) drop(ctx context.Context, name, id, label string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.unlabel(ctx, name, id, label)
}

// unlabel removes one label from one version. It succeeds if the label is not there.
func (s *store) unlabel(ctx context.Context, name, id, label string) error {
	_, err := s.api.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &name, VersionStage: &label, RemoveFromVersionId: &id,
	}, once)
	if err == nil || refused(err) {
		return nil
	}
	return failed(ctx, err, true)
}

// makeRoom unlabels the oldest superseded versions beyond those that are kept
// and, where the labels would still run out, what killed writers left.
func (s *store) makeRoom(ctx context.Context, name string, st state) error {
	below, total := st.below(), 0
	for _, v := range st.versions {
		total += len(v.stages)
		if st.above(v) && v.id != st.prev && st.service.Sub(v.label.at) > abandoned {
			below = append(below, v)
		}
	}
	spare := max(0, len(st.below())-(keep-1)) // the base joins them
	for i, v := range below {
		if i >= spare && total <= maxLabels-2 { // one for the new version, one for AWSPREVIOUS
			break
		}
		for _, label := range v.stages {
			if label == previous {
				continue // it moves by itself
			}
			if err := s.unlabel(ctx, name, v.id, label); err != nil {
				return err
			}
			total--
		}
	}
	return nil
}

// Erase implements providers.Store: it removes every label. Ours goes last, so that a half-erased version is still
// listed.
func (s *store) Erase(ctx context.Context, name string, id, head providers.RevisionID) (_ providers.Erasure, err error) {
	defer providers.Dress(&err, "erase", name)
	st, err := s.look(ctx, name)
	if err != nil {
		return providers.Erasure{}, err
	}
	v, labelled := st.versions[string(id)]
	if st.cur == "" || st.cur != string(head) || id == head || labelled && st.above(v) {
		return providers.Erasure{}, conflict()
	}
	slices.SortFunc(v.stages, func(a, b string) int { return rank(a) - rank(b) })
	for _, label := range v.stages {
		if err := s.unlabel(ctx, name, v.id, label); err != nil {
			return providers.Erasure{}, err
		}
	}
	return providers.Erasure{How: providers.Unlabelled}, nil
}

// rank sorts ours behind all others.
func rank(stage string) int {
	if parseLabel(stage).seq > 0 {
		return 1
	}
	return 0
}
