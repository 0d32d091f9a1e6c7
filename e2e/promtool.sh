#!/usr/bin/env bash
# The alert rules, the queries of the dashboard, and what a daemon really answers
# at /metrics, under Prometheus's own promtool. The first call builds it into a
# cache outside the checkout: about three minutes of processor time. Service discovery, and with it the SDKs of all
# clouds, is left out by its build tag.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
promtool=$cache/promtool-$(sed -n 's|.*github.com/prometheus/prometheus v\([0-9.]*\).*|\1|p' e2e/promtool/go.mod)
if ! test -x "$promtool"; then build promtool "$promtool" github.com/prometheus/prometheus/cmd/promtool -tags remove_all_sd; fi
"$promtool" check rules deploy/prometheus/rules.yaml
"$promtool" test rules deploy/prometheus/rules_test.yaml
# The queries of the dashboard, as rules, with Grafana's variables filled in.
python3 -c '
import json
board = json.load(open("deploy/grafana/dashboard.json"))
queries = [t["expr"] for p in board["panels"] for t in p.get("targets", [])] + [a["expr"] for a in board["annotations"]["list"]]
for name, value in {"$__rate_interval": "5m", "$store": ".*", "$key": ".*"}.items(): queries = [q.replace(name, value) for q in queries]
print(json.dumps({"groups": [{"name": "dashboard", "rules": [{"record": "query:%d" % i, "expr": q} for i, q in enumerate(queries)]}]}))' >"$work/dashboard.yaml"
echo "Checking the queries of the dashboard"
"$promtool" check rules "$work/dashboard.yaml"

CGO_ENABLED=0 run go build -trimpath -o "$work/rotate" ./cmd/rotate
port=$(ports 1)
cat >"$work/rotate.yaml" <<END
environment: test
listen: 127.0.0.1:$port
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk}
keys:
  session: {outputs: [{path: ./app.env, format: env}]}
  tokens: {algorithm: ES256}
END
start rotate ./rotate run -c rotate.yaml
ready rotate fetch "$port" /readyz
echo "Checking /metrics of a daemon"
fetch "$port" /metrics >"$work/metrics"
# An empty answer would be well-formed, too.
for series in 'rotate_key_.*key="session"' 'rotate_key_.*key="tokens"' 'rotate_output_.*key="session"' rotate_store_calls_total; do
	grep -q "^$series" "$work/metrics" || die "no series $series"
done
"$promtool" check metrics <"$work/metrics"
ends rotate
echo "  SUCCESS: $(grep -vc '^#' "$work/metrics") series"
