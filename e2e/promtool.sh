#!/usr/bin/env bash
# The alert rules under Prometheus's own promtool. The first call builds it into
# a cache outside the checkout: about three minutes of processor time. Service
# discovery, and with it the SDKs of all clouds, is left out by its build tag.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
promtool=$cache/promtool-$(sed -n 's|.*github.com/prometheus/prometheus v\([0-9.]*\).*|\1|p' e2e/promtool/go.mod)
if ! test -x "$promtool"; then build promtool "$promtool" github.com/prometheus/prometheus/cmd/promtool -tags remove_all_sd; fi
"$promtool" check rules deploy/prometheus/rules.yaml
"$promtool" test rules deploy/prometheus/rules_test.yaml
