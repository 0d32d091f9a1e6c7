#!/usr/bin/env bash
# A stranger's adapter: examples/adapter is a module of its own. Its tests hold the
# contract, and the rotate that it builds works with its store.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
cd examples/adapter
test "$(wc -l <main.go)" -le 20 || die "main.go has more than 20 lines"
test -z "$(gofmt -l .)" || die "not gofmt-formatted: $(gofmt -l .)"
go mod tidy -diff || die "go.mod is not tidy: cd examples/adapter && go mod tidy"
go vet ./...
run go test ./...
go build -o "$work/rotate" .

cd "$work"
cat >rotate.yaml <<'END'
environment: production
stores: {db: {type: sqlite, path: ./keys.db}, disk: {type: file, dir: ./keys}}
defaults: {propagation: 0s}
keys:
  auth-jwt: {store: db, outputs: [{format: env, path: ./.env}, {store: db, secret: app/jwt, format: value}]}
  other: {store: disk}
END
has() { # has TEXT COMMAND…: the command succeeds and says it
	local said
	said=$("${@:2}" 2>&1) || die "${*:2}: exit code $?: $said"
	case "$said" in *"$1"*) ;; *) die "${*:2}: '$1' is not in: $said" ;; esac
}
has 'store db: reads and writes; deleted keys: unlinked' ./rotate validate --probe
has 'created; there was no key before' ./rotate now auth-jwt
before=$(./rotate get auth-jwt --format value)
has 'rotated away from kid' ./rotate now auth-jwt
has 'keys.db production-auth-jwt' ./rotate status auth-jwt
has 'nothing was due' ./rotate run --once
after=$(./rotate get auth-jwt --format value)
test "$before" != "$after" || die "the key is the same after a rotation"
grep -qF "JWT_SECRET='$after'" .env || grep -qF "JWT_SECRET=$after" .env || die ".env does not hold the new key"
has '"const": "sqlite"' ./rotate schema
sed -i 's/path: .\/keys.db/file: .\/keys.db/' rotate.yaml
if said=$(./rotate validate 2>&1); then die "an unknown option of the store is taken"; fi
case "$said" in *"stores.db.file: unknown option"*) ;; *) die "the unknown option is not named: $said" ;; esac
echo "the adapter of examples/adapter holds the contract, and its rotate works"
