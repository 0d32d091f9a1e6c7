#!/usr/bin/env bash
# The four services of examples/ side by side while the daemon rotates. Needs
# Node, Python and Java with Maven; their libraries are pinned, and kept outside
# the checkout.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
for tool in node npm python3 java mvn; do command -v "$tool" >/dev/null || die "$tool is missing: apt-get install nodejs npm python3-venv default-jdk-headless maven"; done

# fresh NAME FILE: a folder of the cache that is made anew when FILE changes.
fresh() {
	dir=$cache/consumers-$1-$(sha256sum "$2" | cut -c1-12)
	if test -e "$dir/.complete"; then return 1; fi
	rm -rf "$dir" && mkdir -p "$dir"
}
if fresh python examples/python/requirements.txt; then
	python3 -m venv "$dir"
	run "$dir/bin/pip" install -q --disable-pip-version-check -r examples/python/requirements.txt
	touch "$dir/.complete"
fi
python=$dir/bin/python
if fresh node examples/node/package-lock.json; then
	cp examples/node/package*.json "$dir"
	run npm ci --silent --prefix "$dir"
	touch "$dir/.complete"
fi
node=$dir
if fresh java examples/java/pom.xml; then
	run mvn -q -B -f examples/java/pom.xml dependency:copy-dependencies -DoutputDirectory="$dir"
	touch "$dir/.complete"
fi
java=$dir

go build -o "$work/" ./cmd/rotate
go build -o "$work/service" ./examples/go
# Node looks for libraries beside the file that imports them.
cp examples/node/service.mjs "$work"
ln -s "$node/node_modules" "$work/node_modules"
run env ROTATE_CONSUMERS=$work/rotate ROTATE_CONSUMERS_GO=$work/service ROTATE_CONSUMERS_NODE=$work/service.mjs \
	ROTATE_CONSUMERS_PYTHON=$python ROTATE_CONSUMERS_JAVA="$java/*" \
	go test -count=1 -timeout 5m -v -run TestFourLanguages ./examples
