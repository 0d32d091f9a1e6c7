package awsfake

import (
	"bytes"
	"encoding/base64"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// The documents that the rules below are from.
//
//	[create]   https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
//	[put]      https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
//	[stage]    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
//	[get]      https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
//	[describe] https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
//	[list]     https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html
//	[all]      https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html
//	[delete]   https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html
//	[quotas]   https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
//	[versions] https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
const (
	maxValue    = 65536          // bytes [quotas]
	maxLabels   = 20             // attached across all versions of a secret [quotas]
	maxVersions = 100            // of a secret [quotas]
	youngest    = 24 * time.Hour // versions younger than that are not removed [quotas]

	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

// A Secret is one secret as the service has it.
type Secret struct {
	Name, Description, KMSKey string
	Created, Deleted          time.Time
	Tags                      map[string]string
	Replicas                  map[string]string // region to status
	RotationEnabled           bool
	OwningService             string
	PrimaryRegion             string
	Policy                    string // the resource policy; "" for none

	versions []*version // oldest first
}

type version struct {
	id      string
	text    *string
	binary  []byte
	created time.Time
	stages  []string
}

func (s *Secret) clone() *Secret {
	c := *s
	c.Tags, c.Replicas, c.versions = maps.Clone(s.Tags), maps.Clone(s.Replicas), nil
	for _, v := range s.versions {
		w := *v
		w.stages = slices.Clone(v.stages)
		c.versions = append(c.versions, &w)
	}
	return &c
}

func (s *Secret) find(id string) *version {
	for _, v := range s.versions {
		if v.id == id {
			return v
		}
	}
	return nil
}

// holder is the version with a label; a label is on one version at a time [stage].
func (s *Secret) holder(stage string) *version {
	for _, v := range s.versions {
		if slices.Contains(v.stages, stage) {
			return v
		}
	}
	return nil
}

func (s *Secret) take(stage string) (from *version) {
	if from = s.holder(stage); from != nil {
		from.stages = slices.DeleteFunc(from.stages, func(x string) bool { return x == stage })
	}
	return from
}

// attach moves a label. Whenever AWSCURRENT moves, AWSPREVIOUS moves to the
// version that it was removed from [stage].
func (s *Secret) attach(stage string, to *version) {
	from := s.take(stage)
	to.stages = append(to.stages, stage)
	if stage == current && from != nil && from != to {
		s.take(previous)
		from.stages = append(from.stages, previous)
	}
}

func (s *Secret) labels() (n int) {
	for _, v := range s.versions {
		n += len(v.stages)
	}
	return n
}

var names = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`) // [create]

func (f *Fake) create(in request) (any, error) {
	if !names.MatchString(in.Name) {
		return nil, invalid("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	if in.SecretString != nil || in.SecretBinary != nil {
		if err := f.checkValue(in); err != nil {
			return nil, err
		}
	}
	if s := f.secrets[in.Name]; s != nil {
		switch v := s.find(in.ClientRequestToken); {
		case !s.Deleted.IsZero(): // the name is taken until the window ends [delete]
			return nil, &Error{400, "InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.", 0}
		case v != nil && v.same(in): // an idempotent repeat [create]
			return reply{"ARN": f.arn(in.Name), "Name": in.Name, "VersionId": v.id}, nil
		}
		return nil, &Error{400, "ResourceExistsException", "The operation failed because the secret " + in.Name + " already exists.", 0}
	}
	s := &Secret{Name: in.Name, Description: in.Description, KMSKey: in.KmsKeyId, Created: f.now(), Tags: map[string]string{}, Replicas: map[string]string{}}
	for _, t := range in.Tags {
		s.Tags[t.Key] = t.Value
	}
	for _, r := range in.AddReplicaRegions {
		s.Replicas[r.Region] = "InSync"
	}
	f.secrets[in.Name] = s
	out := reply{"ARN": f.arn(in.Name), "Name": in.Name}
	if in.SecretString != nil || in.SecretBinary != nil {
		v := f.add(s, in) // the token becomes the VersionId [create]
		s.attach(current, v)
		out["VersionId"] = v.id
	}
	return out, nil
}

func (f *Fake) put(s *Secret, in request) (any, error) {
	if err := f.checkValue(in); err != nil {
		return nil, err
	}
	switch n := len(in.VersionStages); {
	case in.VersionStages != nil && n == 0, n > maxLabels: // 1 to 20 items [put]
		return nil, invalid("VersionStages has " + strconv.Itoa(n) + " items")
	}
	for _, stage := range in.VersionStages {
		if !validStage(stage) {
			return nil, invalid("a staging label has 1 to 256 characters")
		}
	}
	if v := s.find(in.ClientRequestToken); v != nil {
		if !v.same(in) { // [put]
			return nil, &Error{400, "ResourceExistsException", "You can't use ClientRequestToken " + v.id + " because that value is already in use for a version of secret " + f.arn(s.Name) + ".", 0}
		}
		return f.versionReply(s, v), nil // succeeds and does nothing [put]
	}
	// Deprecated versions go when there are more than 100, not within 24 hours
	// of their creation; where that does not help, the quota is reached [quotas].
	for i := 0; len(s.versions) >= maxVersions && i < len(s.versions); {
		if v := s.versions[i]; len(v.stages) == 0 && f.now().Sub(v.created) >= youngest {
			s.versions = slices.Delete(s.versions, i, i+1)
			continue
		}
		i++
	}
	if len(s.versions) >= maxVersions {
		return nil, &Error{400, "LimitExceededException", "You've exceeded the quota of versions of a secret.", 0}
	}
	stages := in.VersionStages
	if len(stages) == 0 { // AWSCURRENT moves to the new version [put]
		stages = []string{current}
	}
	if len(s.versions) == 0 && !slices.Contains(stages, current) { // so it does to the first one [put]
		stages = append(stages, current)
	}
	before := s.clone()
	v := f.add(s, in)
	for _, stage := range stages { // a label is taken from another version without more ado [put]
		s.attach(stage, v)
	}
	if s.labels() > maxLabels {
		*s = *before
		return nil, tooManyLabels()
	}
	return f.versionReply(s, v), nil
}

func (f *Fake) updateStage(s *Secret, in request) (any, error) {
	holder, to := s.holder(in.VersionStage), s.find(in.MoveToVersionId)
	switch {
	case !validStage(in.VersionStage):
		return nil, invalid("a staging label has 1 to 256 characters")
	case in.MoveToVersionId == "" && in.RemoveFromVersionId == "":
		return nil, invalid("one of MoveToVersionId and RemoveFromVersionId has to be given")
	case in.MoveToVersionId != "" && to == nil:
		return nil, &Error{400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret version.", 0}
	case in.RemoveFromVersionId != "" && (holder == nil || holder.id != in.RemoveFromVersionId): // [stage]
		return nil, invalid("The parameter RemoveFromVersionId isn't the version that currently has the staging label.")
	case holder != nil && holder != to && in.RemoveFromVersionId == "": // [stage]
		return nil, invalid("The parameter RemoveFromVersionId can't be empty. Staging label " + in.VersionStage + " is currently attached to version " + holder.id + ".")
	case in.MoveToVersionId == "" && in.VersionStage == current:
		return nil, invalid("You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.")
	}
	before := s.clone()
	if to == nil {
		s.take(in.VersionStage)
	} else {
		s.attach(in.VersionStage, to)
	}
	if s.labels() > maxLabels && s.labels() > before.labels() {
		*s = *before
		return nil, tooManyLabels()
	}
	return reply{"ARN": f.arn(s.Name), "Name": s.Name}, nil
}

func (f *Fake) get(s *Secret, in request) (any, error) {
	stage := in.VersionStage
	if stage == "" && in.VersionId == "" { // [get]
		stage = current
	}
	v := s.find(in.VersionId)
	if in.VersionId == "" {
		v = s.holder(stage)
	}
	switch {
	case v == nil && stage != "":
		return nil, &Error{400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: " + stage, 0}
	case v == nil:
		return nil, &Error{400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: " + in.VersionId, 0}
	case stage != "" && !slices.Contains(v.stages, stage): // both have to name the same version [get]
		return nil, &Error{400, "InvalidRequestException", "You provided a VersionStage that is not associated to the provided VersionId.", 0}
	}
	out := f.versionReply(s, v)
	out["CreatedDate"] = seconds(v.created)
	if v.text != nil {
		out["SecretString"] = *v.text
	} else {
		out["SecretBinary"] = base64.StdEncoding.EncodeToString(v.binary)
	}
	return out, nil
}

func (f *Fake) describe(s *Secret, _ request) (any, error) {
	stages := map[string][]string{} // those with labels [describe]
	for _, v := range s.versions {
		if len(v.stages) > 0 {
			stages[v.id] = slices.Clone(v.stages)
		}
	}
	out := reply{"ARN": f.arn(s.Name), "Name": s.Name, "CreatedDate": seconds(s.Created), "VersionIdsToStages": stages}
	for key, text := range map[string]string{"Description": s.Description, "KmsKeyId": s.KMSKey, "OwningService": s.OwningService, "PrimaryRegion": s.PrimaryRegion} {
		if text != "" {
			out[key] = text
		}
	}
	if s.RotationEnabled {
		out["RotationEnabled"] = true
	}
	if !s.Deleted.IsZero() {
		out["DeletedDate"] = seconds(s.Deleted)
	}
	var tags, replicas []reply
	for k, v := range s.Tags {
		tags = append(tags, reply{"Key": k, "Value": v})
	}
	for region, status := range s.Replicas {
		replicas = append(replicas, reply{"Region": region, "Status": status})
	}
	out["Tags"], out["ReplicationStatus"] = tags, replicas
	return out, nil
}

// list pages; versions without labels are shown only if asked for [list].
func (f *Fake) list(s *Secret, in request) (any, error) {
	var all []reply
	for _, v := range s.versions {
		if len(v.stages) > 0 || in.IncludeDeprecated {
			all = append(all, reply{"VersionId": v.id, "VersionStages": slices.Clone(v.stages), "CreatedDate": seconds(v.created)})
		}
	}
	return paged(in, "Versions", all, reply{"ARN": f.arn(s.Name), "Name": s.Name})
}

// paged adds one page of a list to a reply, and the token of the next [list], [all].
func paged(in request, member string, all []reply, out reply) (any, error) {
	size, from := 100, 0
	if in.MaxResults > 0 {
		size = min(in.MaxResults, 100)
	}
	if in.NextToken != "" {
		var err error
		if from, err = strconv.Atoi(in.NextToken); err != nil {
			return nil, &Error{400, "InvalidNextTokenException", "Invalid NextToken.", 0}
		}
	}
	from = min(from, len(all))
	out[member] = all[from:min(from+size, len(all))]
	if from+size < len(all) {
		out["NextToken"] = strconv.Itoa(from + size)
	}
	return out, nil
}

// listSecrets pages through all secrets, without those that wait for their deletion [all].
func (f *Fake) listSecrets(in request) (any, error) {
	all := []reply{}
	for _, name := range slices.Sorted(maps.Keys(f.secrets)) {
		s := f.asOf(name)
		if s == nil || !s.Deleted.IsZero() {
			continue
		}
		stages, changed := map[string][]string{}, s.Created
		for _, v := range s.versions {
			if len(v.stages) > 0 {
				stages[v.id] = slices.Clone(v.stages)
			}
			if v.created.After(changed) {
				changed = v.created
			}
		}
		all = append(all, reply{
			"ARN": f.arn(name), "Name": name, "Description": s.Description, "CreatedDate": seconds(s.Created), "LastChangedDate": seconds(changed), "SecretVersionsToStages": stages,
		})
	}
	return paged(in, "SecretList", all, reply{})
}

// remove schedules a deletion 7 to 30 days ahead, or deletes at once [delete].
func (f *Fake) remove(s *Secret, in request) (any, error) {
	days := 30
	switch {
	case in.ForceDeleteWithoutRecovery && in.RecoveryWindowInDays != 0:
		return nil, invalid("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case in.ForceDeleteWithoutRecovery:
		delete(f.secrets, s.Name)
		return reply{"Name": s.Name, "DeletionDate": seconds(f.now())}, nil
	case len(s.Replicas) > 0:
		return nil, &Error{400, "InvalidRequestException", "You can't delete a secret that still has replicas.", 0}
	case in.RecoveryWindowInDays != 0:
		days = in.RecoveryWindowInDays
	}
	if days < 7 || days > 30 {
		return nil, invalid("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	s.Deleted = f.now()
	return reply{"Name": s.Name, "DeletionDate": seconds(f.now().AddDate(0, 0, days))}, nil
}

func (f *Fake) restore(s *Secret, _ request) (any, error) {
	s.Deleted = time.Time{}
	return reply{"Name": s.Name}, nil
}

// policy takes a resource policy.
func (f *Fake) policy(s *Secret, in request) (any, error) {
	s.Policy = in.ResourcePolicy
	return reply{"ARN": f.arn(s.Name), "Name": s.Name}, nil
}

// getPolicy leaves ResourcePolicy out where there is none:
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html
func (f *Fake) getPolicy(s *Secret, _ request) (any, error) {
	r := reply{"ARN": f.arn(s.Name), "Name": s.Name}
	if s.Policy != "" {
		r["ResourcePolicy"] = s.Policy
	}
	return r, nil
}

func (f *Fake) checkValue(in request) error {
	size := len(in.SecretBinary)
	if in.SecretString != nil {
		size = len(*in.SecretString)
	}
	switch n := len(in.ClientRequestToken); {
	case n < 32 || n > 64: // [put]
		return invalid("ClientRequestToken has 32 to 64 characters")
	case (in.SecretString != nil) == (in.SecretBinary != nil): // [put]
		return invalid("You must specify exactly one of SecretString and SecretBinary.")
	case size == 0 || size > maxValue: // [put], [quotas]
		return invalid("a secret value has 1 to 65536 bytes")
	}
	return nil
}

func (f *Fake) add(s *Secret, in request) *version {
	v := &version{id: in.ClientRequestToken, text: in.SecretString, binary: in.SecretBinary, created: f.now()}
	s.versions = append(s.versions, v)
	return v
}

func (v *version) same(in request) bool {
	if v.text == nil || in.SecretString == nil {
		return v.text == nil && in.SecretString == nil && bytes.Equal(v.binary, in.SecretBinary)
	}
	return *v.text == *in.SecretString
}

func (f *Fake) versionReply(s *Secret, v *version) reply {
	return reply{"ARN": f.arn(s.Name), "Name": s.Name, "VersionId": v.id, "VersionStages": slices.Clone(v.stages)}
}

func validStage(s string) bool { return 0 < len(s) && len(s) <= 256 }

func tooManyLabels() error {
	return &Error{400, "LimitExceededException", "You've exceeded the quota of staging labels attached across all versions of a secret.", 0}
}

func invalid(msg string) error { return &Error{400, "InvalidParameterException", msg, 0} }

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
