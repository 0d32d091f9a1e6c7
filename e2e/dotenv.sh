#!/usr/bin/env bash
# Eight readers of .env files themselves, over odd files and over what rotate
# writes, held against the models of internal/dotenv: npm's dotenv 15, 16 and 17,
# Node, python-dotenv, godotenv, the parsers of docker compose and docker, systemd's
# (in its own library) and dash. Needs npm, Python with venv, Go, dash and systemd;
# the rest is pinned, and kept outside the checkout. RANDOM_FILES and SEED say how
# many files are made up beside the fixed ones.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
for tool in npm python3 dash systemctl; do command -v "$tool" >/dev/null || die "$tool is missing: apt-get install npm python3-venv dash systemd"; done
systemd=$(find /usr/lib /lib -name 'libsystemd-shared-*.so' 2>/dev/null | head -1)
test -n "$systemd" || die "libsystemd-shared is missing: apt-get install systemd"

dir=$cache/dotenv-$(cat e2e/dotenv/npm.json e2e/dotenv/requirements.txt e2e/dotenv/go.sum e2e/dotenv/main.go | sha256sum | cut -c1-12)
if ! test -e "$dir/.complete"; then
	rm -rf "$dir" && mkdir -p "$dir"
	cp e2e/dotenv/npm.json "$dir/package.json"
	run npm install --silent --prefix "$dir"
	python3 -m venv "$dir/python"
	run "$dir/python/bin/pip" install -q --disable-pip-version-check -r e2e/dotenv/requirements.txt
	run env -C e2e/dotenv CGO_ENABLED=0 nice -n 19 go build -o "$dir/go" .
	touch "$dir/.complete"
fi
node=$dir/node_modules/.bin/node
echo "readers: $(cd "$dir/node_modules" && grep -h '"version"' dotenv15/package.json dotenv16/package.json dotenv17/package.json | tr -d ' \n') node $("$node" --version)" \
	"$("$dir/python/bin/pip" --disable-pip-version-check freeze | tr '\n' ' ')$(systemctl --version | head -1), dash $(dpkg-query -W -f '${Version}' dash 2>/dev/null || echo '?')"
grep -E 'godotenv|compose-go|docker/cli' e2e/dotenv/go.mod

here=$PWD/e2e/dotenv
readers=$(python3 - "$dir" "$here" "$node" "$systemd" "$(command -v dash)" <<'PY'
import json, sys
dir, here, node, systemd, dash = sys.argv[1:]
npm = lambda n: [node, here + "/readers.cjs", n if n == "node" else f"{dir}/node_modules/dotenv{n}"]
python = [dir + "/python/bin/python", here + "/readers.py"]
print(json.dumps({
	"npm dotenv 15": npm(15), "npm dotenv 16": npm(16), "npm dotenv 17": npm(17),
	"node --env-file": npm("node"), "python-dotenv": python + ["python-dotenv"],
	"godotenv": [dir + "/go", "godotenv"], "docker compose": [dir + "/go", "compose"], "docker --env-file": [dir + "/go", "docker"],
	"systemd EnvironmentFile": python + ["systemd", systemd], "a POSIX shell": python + ["dash", dash],
}))
PY
)
run env ROTATE_DOTENV="$readers" ROTATE_DOTENV_RANDOM="${RANDOM_FILES:-300}" ROTATE_DOTENV_SEED="${SEED:-1}" \
	go test -count=1 -timeout 10m -v -run AgainstReaders ./internal/dotenv 2>&1 | grep -av 'could not parse statement\|invalid UTF-8 value'
