package vaultkv

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/keyrotate/rotate/internal/lazy"
	"github.com/keyrotate/rotate/providers"
)

// behind is how old a standby's answer may be, where standbys answer and the config
// does not say. OpenBao names no bound, and a standby tells nobody how far it is.
// A minute is far more than a healthy one lags, and only delays an alarm.
// https://openbao.org/docs/concepts/consistency/
const behind = time.Minute

// meet asks which server answers, and whether its standbys do: sys/health and
// sys/leader take no token. Behind one address there may be several nodes, so what
// counts is the cluster's kind and not which node this is. Of a server that does not
// tell, the worse is believed.
//
// OpenBao from 2.5 on, and Vault Enterprise by its performance standbys, answer reads
// on each node of a cluster. Vault's open edition has its standbys pass them on.
func (s *store) meet(ctx context.Context) {
	root := s.session.anon.WithNamespace("") // both are of the root namespace alone
	health, err := send(ctx, root, "sys/health", url.Values{"standbyok": {"true"}, "perfstandbyok": {"true"}}, nil, false)
	s.bao = err == nil && isBao(health)
	clustered := err != nil
	if s.bao || err == nil && health.Enterprise != nil && *health.Enterprise {
		leader, err := send(ctx, root, "sys/leader", nil, nil, false)
		clustered = err != nil || leader.HA
	}
	if clustered && s.Stale == 0 {
		s.Stale = behind
	}
}

// isBao knows OpenBao by what its sys/health lacks: Vault says whether it is
// Enterprise from 1.16 on, and its versions before that began with 1 or 0. [run] OpenBao
// 2.7.2, Vault 1.21.0
func isBao(health answer) bool {
	return health.Enterprise == nil && health.Version != "" && !strings.HasPrefix(health.Version, "0.") && !strings.HasPrefix(health.Version, "1.")
}

// commands are those of Vault's tool that hints name. OpenBao's has them too.
var commands = lazy.Regexp(`\bvault (kv|list|namespace|operator|read|secrets|write)\b`)

// dress is providers.Dress, with the hint for the tool that people have there.
func (s *store) dress(err *error, op, name string) {
	providers.Dress(err, op, name)
	s.words(err)
}

func (s *store) words(err *error) {
	if e, ok := (*err).(*providers.Error); ok && s.bao {
		e.Hint = commands().ReplaceAllString(e.Hint, "bao $1")
	}
}
