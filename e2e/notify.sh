#!/usr/bin/env bash
# A daemon tells a receiver that others' libraries are in: standardwebhooks verifies
# each call and cloudevents reads it, while the secret rotates, the receiver refuses
# every second call, and the daemon is killed. Then three daemons tell of a hundred
# rotations of keys that they share. Needs Python with venv; the libraries are pinned
# and kept outside the checkout.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
venv=$cache/notify-$(sha256sum e2e/notify/requirements.txt | cut -c1-12)
if ! test -e "$venv/.complete"; then
	rm -rf "$venv"
	python3 -m venv "$venv"
	run "$venv/bin/pip" install -q --disable-pip-version-check -r e2e/notify/requirements.txt
	touch "$venv/.complete"
fi
"$venv/bin/pip" --disable-pip-version-check freeze | grep -E '^(standardwebhooks|cloudevents)=='
go build -o "$work/rotate" ./cmd/rotate

port=$(ports 1)
echo "http://127.0.0.1:$port/chat" >"$work/chat.url"
echo "http://127.0.0.1:$port/ping" >"$work/ping.url"
cat >"$work/rotate.yaml" <<YAML
environment: test
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk, propagation: 0s, sync: 5s}
keys:
  jwt: {}
  late: {}
  hooks: {algorithm: opaque, prefix: whsec_, encoding: base64, outputs: [{format: value, path: ./hooks.secret}]}
notify:
  heartbeat: {url_file: ./ping.url, every: 1m}
  to:
    events: {url: "http://127.0.0.1:$port/events", sign: {key: hooks}}
    chat: {format: slack, url_file: ./chat.url, only: [halt, recovery]}
    program: {exec: [/bin/sh, -c, 'cat >>"\$1"; echo >>"\$1"', tell, $work/program.jsonl]}
YAML
rotate() { (cd "$work" && ./rotate "$@"); }

# taken TEXT: is there a line with it, within a minute and a half?
taken() {
	for _ in $(seq 900); do
		if grep -q -- "$1" "$work/taken.jsonl" 2>/dev/null; then return; fi
		sleep 0.1
	done
	cat "$work/taken.jsonl" "$work"/daemon*.log >&2
	die "the receiver was not told: $1"
}

start receiver "$venv/bin/python" "$PWD/e2e/notify/receiver.py" "$port" "$work/hooks.secret" "$work/taken.jsonl"
ready receiver open "$port"
start daemon ./rotate run
taken '"subject": "jwt".*kid .* signs now'
taken '"subject": "hooks".*kid .* signs now'

echo "== the secret that signs rotates, and so does a key, by a command beside the daemon"
rotate now hooks >/dev/null
rotate now jwt >/dev/null
daemon=${begun[-1]}
taken '"subject": "jwt".*signs now; kid .* only verifies now'
taken '"subject": "hooks".*signs now; kid .* only verifies now'

echo "== the daemon is killed with a notification in its queue, and begun anew"
rotate now late >/dev/null
kill -KILL -- "-$daemon"
start daemon2 ./rotate run
taken '"again": true'
taken '"subject": "late".*its keys changed'

echo "== a document is spoilt"
sed -i 's/"name"/"nome"/' "$work"/keys/test-jwt.json
taken '"chat": "jwt (test) has halted'
taken 'key.halt"'
taken '"ping": "/ping"'

"$venv/bin/python" e2e/notify/told.py "$work/taken.jsonl" "$work/program.jsonl"
python3 - "$work" <<'PY'
import json, sys
work = sys.argv[1]
events = [json.loads(l) for l in open(work + "/taken.jsonl") if '"id"' in l]
assert all(e["source"] == "rotate:test" and e["type"].startswith("com.github.keyrotate.rotate.key.") for e in events), events
text = open(work + "/taken.jsonl").read() + open(work + "/daemon.log").read() + open(work + "/daemon2.log").read()
secret = open(work + "/hooks.secret").read()
assert secret[6:] not in text and "/chat\"" not in text, "a secret is told"
PY
kill -TERM -- "-${begun[-1]}"

echo "== three replicas, a hundred rotations, and the receiver refuses every second call"
work=$work/three
mkdir -p "$work"/{1,2,3}
python3 -c 'import base64, os; print("whsec_" + base64.b64encode(os.urandom(32)).decode(), end="")' >"$work/hooks.secret"
port=$(ports 1)
start receiver "$venv/bin/python" "$PWD/e2e/notify/receiver.py" "$port" "$work/hooks.secret" "$work/taken.jsonl"
ready receiver open "$port"
for replica in 1 2 3; do
	cat >"$work/$replica.yaml" <<-YAML
		environment: three
		stores: {disk: {type: file, dir: ./keys}}
		defaults: {store: disk, propagation: 0s, sync: 1s, grace: 10s, grace_bounds: {min: 1s, max: 1m}}
		keys: {$(printf 'k%d: {}, ' $(seq 20))}
		notify:
		  to:
		    events: {url: "http://127.0.0.1:$port/events", sign: {secret_file: ./hooks.secret}}
		    program: {exec: [/bin/sh, -c, 'cat >"\$(mktemp "\$1/XXXXXXXXXX")"', tell, $work/$replica]}
	YAML
	start "daemon$replica" ../rotate run -c "$replica.yaml"
done
# told: each replica has told of every key that signs now.
told() {
	local kid replica
	for replica in 1 2 3; do
		for kid in $1; do grep -qrE "\"current\": ?\"$kid\"" "$work/$replica" || return 1; done
	done
}
within() { # SECONDS WHAT COMMAND…
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >"$work/said" 2>&1; do
		((SECONDS < end)) || die "$what: $(cat "$work/said")"
		sleep 1
	done
}
rotations=0
for round in first 1 2 3 4 5; do
	if test "$round" != first; then
		(cd "$work" && ../rotate now --all -c 1.yaml) >"$work/now" || test $? = 3
		rotations=$((rotations + $(grep -c 'rotated away from kid' "$work/now")))
	fi
	kids=$( (cd "$work" && ../rotate status -o json -c 1.yaml || test $? = 3) | python3 -c 'import json, sys; print(*(k["current"]["kid"] for k in json.load(sys.stdin)["keys"]))')
	within 120 "round $round: not every replica told of it" told "$kids"
done
test "$rotations" = 100 || die "$rotations rotations, want 100"
within 300 "after 100 rotations" bash -c 'python3 e2e/notify/told.py "$1/taken.jsonl" "$1"/[123]/*' - "$work"
echo "$rotations rotations: $(cat "$work/said")"
