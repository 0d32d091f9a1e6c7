#!/usr/bin/env bash
# The daemon's page in a real browser: made-up worlds of 0 to 10,000 keys, and a real daemon. Needs Chromium and npm;
# playwright-core and axe-core are pinned, and kept outside the checkout. PICTURES names a folder for a picture of each
# world, width and colour scheme; IMAGES=docs/images takes those of the documentation anew.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
for tool in npm node chromium pngquant; do command -v "$tool" >/dev/null || die "$tool is missing: apt-get install npm nodejs chromium pngquant fonts-dejavu-core"; done

dir=$cache/page-$(sha256sum <e2e/page/npm.json | cut -c1-12)
if ! test -e "$dir/.complete"; then
	rm -rf "$dir" && mkdir -p "$dir"
	cp e2e/page/npm.json "$dir/package.json"
	run npm install --silent --prefix "$dir"
	touch "$dir/.complete"
fi
pictures=${PICTURES:-$work/pictures}
images=${IMAGES:-$work/images}
mkdir -p "$pictures" "$images"
read -r worlds daemon < <(ports 2)

run go test -c -o "$work/worlds" ./internal/page
start worlds env ROTATE_PAGE="127.0.0.1:$worlds" "$work/worlds" -test.run '^TestServeForBrowsers$' -test.timeout 1h
ready worlds open "$worlds"

run go build -o "$work/rotate" ./cmd/rotate
cat >"$work/rotate.yaml" <<'YAML'
environment: staging
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk, propagation: 0s}
keys: {auth-jwt: {}, mobile: {algorithm: ES256}}
YAML
start daemon "$work/rotate" run -c rotate.yaml --listen "127.0.0.1:$daemon"
ready daemon open "$daemon"

run env NODE_PATH="$dir/node_modules" CHROMIUM="$(command -v chromium)" \
	node e2e/page/look.cjs "http://127.0.0.1:$worlds" "http://127.0.0.1:$daemon" "$pictures" "$images"
