# shellcheck shell=bash
# What the scripts beside this file have in common; they source it. $cache is kept
# outside the checkout. $work, and every process that `start` and `run` began, is
# gone when the script ends, also by a signal: each of those has a process group.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rotate-e2e
work=$(mktemp -d)
begun=()
mkdir -p "$cache"

stop() {
	local group
	for group in "${begun[@]}"; do kill -KILL -- "-$group" 2>/dev/null || true; done
	for group in "${begun[@]}"; do wait "$group" 2>/dev/null || true; done
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

die() {
	echo "e2e/$(basename "$0"): $*" >&2
	exit 1
}

# run COMMAND…: in the foreground. bash itself would not hear a signal before the
# command has ended, and would leave what that had begun.
run() {
	setsid -w "$@" &
	begun+=($!)
	wait $!
}

# start NAME COMMAND…: in the background and in $work; what it says is in $work/NAME.log.
start() {
	(cd "$work" && HOME=$work exec setsid -w "${@:2}") >"$work/$1.log" 2>&1 &
	begun+=($!)
}

# ready NAME COMMAND…: waits until the command succeeds, half a minute at most.
ready() {
	local server=${begun[-1]}
	for _ in $(seq 300); do
		if "${@:2}" >/dev/null 2>&1; then return; fi
		kill -0 "$server" 2>/dev/null || break
		sleep 0.1
	done
	tail -20 "$work/$1.log" >&2
	die "$1 does not start"
}

# ends NAME: tells what was started last to stop, as a service manager would.
ends() {
	local server=${begun[-1]}
	kill -TERM "$server"
	for _ in $(seq 50); do
		kill -0 "$server" 2>/dev/null || { wait "$server"; return; }
		sleep 0.1
	done
	die "$1 does not stop within 5 s"
}

# fetch PORT PATH: what it answers there.
fetch() { python3 -c 'import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1], timeout=5).read())' "http://127.0.0.1:$1$2"; }

# open PORT: does something listen there?
open() { bash -c "exec 3<>/dev/tcp/127.0.0.1/$1"; }

# ports N: free ones, below those that the kernel gives to clients.
ports() {
	python3 -c '
import random, socket, sys
found = []
while len(found) < int(sys.argv[1]):
	s = socket.socket()
	try:
		s.bind(("127.0.0.1", random.randrange(10000, 32000)))
		found.append(s)
	except OSError: pass
print(*(s.getsockname()[1] for s in found))' "$1"
}

# build FOLDER OUT PACKAGE FLAGS…: makes OUT of the module in e2e/FOLDER.
build() {
	rm -rf "$work/module" && mkdir -p "$work/module" "$(dirname "$2")"
	cp "e2e/$1"/go.{mod,sum} "$work/module"
	run env -C "$work/module" CGO_ENABLED=0 nice -n 19 go build -mod=mod -trimpath -ldflags='-s -w' "${@:4}" -o out "$3"
	cp "$work/module/out" "$2.new"
	mv "$2.new" "$2"
}

# vault_server: builds the real Vault (BUSL 1.1: for tests only, never shipped), if the cache lacks it: ten to twenty
# minutes on two cores. `$vault` is the program.
vault_server() {
	vault=$cache/vault-1.21.0
	if ! test -x "$vault"; then build vault "$vault" github.com/hashicorp/vault; fi
}
