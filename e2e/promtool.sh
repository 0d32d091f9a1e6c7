#!/usr/bin/env bash
# The alert rules under Prometheus's own promtool. The first call builds it into
# a cache outside the checkout: about three minutes of processor time. Service
# discovery, and with it the SDKs of all clouds, is left out by its build tag.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's|.*github.com/prometheus/prometheus v\([0-9.]*\).*|\1|p' e2e/promtool/go.mod)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rotate-e2e
promtool=$cache/promtool-$version
if ! test -x "$promtool"; then
	mkdir -p "$cache"
	new=$(mktemp "$cache/promtool.XXXXXX")
	(cd e2e/promtool && CGO_ENABLED=0 nice -n 19 go build -tags remove_all_sd -ldflags='-s -w' -o "$new" github.com/prometheus/prometheus/cmd/promtool)
	chmod +x "$new"
	mv "$new" "$promtool"
fi
"$promtool" check rules deploy/prometheus/rules.yaml
"$promtool" test rules deploy/prometheus/rules_test.yaml
