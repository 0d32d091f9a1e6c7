#!/usr/bin/env bash
# The door itself: keys that applications have are adopted, and tokens that their real
# libraries made before and after verify before and after (PyJWT, jsonwebtoken, jose,
# golang-jwt, Nimbus, jjwt). Then frameworks that read what templates make: Django,
# Auth.js, Better Auth, express-session, Rails and nginx. Needs Node,
# Python, Java with Maven, nginx, openssl and Ruby with Rails; the libraries are
# pinned, and kept outside the checkout.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
for tool in node npm python3 java mvn nginx openssl ruby; do command -v "$tool" >/dev/null || die "$tool is missing: apt-get install nodejs npm python3-venv default-jdk-headless maven nginx-light openssl ruby-railties"; done

dir=$cache/door-$( (cat e2e/door/{npm.json,requirements.txt,pom.xml,golang/main.go} && grep golang-jwt go.sum) | sha256sum | cut -c1-12)
if ! test -e "$dir/.complete"; then
	rm -rf "$dir" && mkdir -p "$dir"
	cp e2e/door/npm.json "$dir/package.json"
	run npm install --silent --no-audit --no-fund --prefix "$dir"
	python3 -m venv "$dir/python"
	run "$dir/python/bin/pip" install -q --disable-pip-version-check -r e2e/door/requirements.txt
	run mvn -q -B -f e2e/door/pom.xml dependency:copy-dependencies -DoutputDirectory="$dir/java"
	run nice -n 19 go build -o "$dir/golang" ./e2e/door/golang
	touch "$dir/.complete"
fi
run nice -n 19 go build -o "$work/rotate" ./cmd/rotate
# Node looks for libraries beside the file that imports them.
cp e2e/door/*.mjs "$work"
ln -s "$dir/node_modules" "$work/node_modules"
run javac -cp "$dir/java/*" -d "$work/classes" e2e/door/Libs.java

libraries=$(python3 - "$dir" "$work" <<'PY'
import json, sys
dir, work = sys.argv[1:]
node = lambda name: ["node", work + "/libs.mjs", name]
java = lambda name: ["java", "-cp", f"{work}/classes:{dir}/java/*", "Libs", name]
print(json.dumps({
	"PyJWT": [dir + "/python/bin/python", "e2e/door/libs.py"], "jsonwebtoken": node("jsonwebtoken"), "jose": node("jose"),
	"golang-jwt": [dir + "/golang"], "Nimbus": java("nimbus"), "jjwt": java("jjwt"),
}))
PY
)
run "$dir/python/bin/python" e2e/door/adopt.py "$work/rotate" "$libraries"
run "$dir/python/bin/python" e2e/door/frameworks.py "$work/rotate" "$work"
