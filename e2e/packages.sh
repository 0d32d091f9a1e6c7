#!/usr/bin/env bash
# A release, made twice in two folders: both are the same to the byte. Then what is in
# it: archives, deb, rpm and apk, terms, lists of parts, manual, completions. The deb is
# installed by systemd-init.sh; rpm and apk are unpacked and looked at here, since no
# Fedora and no Alpine can be had. Needs lintian, rpm, rpm2cpio, cpio, zsh and fish.
# TARGETS="linux/amd64 …" is for some of the targets; the host's has to be among them.
set -euo pipefail
cd "$(dirname "$0")/.."
source e2e/lib.sh
for tool in lintian rpm rpm2cpio cpio zsh fish; do command -v $tool >/dev/null || die "$tool is missing: apt-get install $tool"; done
version=v0.1.0
ok() { echo "ok  	$*"; }

read -ra targets <<<"${TARGETS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64}"

commit=$(git rev-parse HEAD)
epoch=$(git log -1 --format=%ct "$commit")
for one in first second; do
	mkdir "$work/$one"
	git archive "$commit" | tar -x -C "$work/$one"
	run env -u VERSION SOURCE_DATE_EPOCH="$epoch" nice "$work/$one/packaging/dist.sh" "$work/$one/dist" $version >"$work/$one.log"
done
diff "$work"/{first,second}/dist/SHA256SUMS || die "two builds differ"
dist=$work/first/dist
(cd "$dist" && sha256sum --quiet -c SHA256SUMS)
ok "two builds of $(wc -l <"$dist/SHA256SUMS") files are one"

# Archives.
for target in "${targets[@]/\//-}"; do
	name=rotate-$version-$target
	tar -xzf "$dist/$name.tar.gz" -C "$work"
	go version -m "$work/$name/rotate" >"$work/parts"
	grep -q 'CGO_ENABLED=0' "$work/parts" || die "$name is not static"
	grep -q "GOOS=${target%-*}" "$work/parts" && grep -q "GOARCH=${target#*-}" "$work/parts" || die "$name is for another system"
	python3 - "$dist/$name.cdx.json" "$work/parts" <<-'END' || die "$name.cdx.json does not list all parts"
		import json, sys
		listed = {(c["name"], c["version"]) for c in json.load(open(sys.argv[1]))["components"]}
		linked = {tuple(line.split()[1:3]) for line in open(sys.argv[2]) if line.startswith("\tdep")}
		sys.exit(not linked or bool(linked - listed))
	END
	for file in LICENSE NOTICE THIRD_PARTY_LICENSES README.md config.example.yaml man/rotate.1 completions/rotate.bash; do
		test -s "$work/$name/$file" || die "$name has no $file"
	done
done
host=$work/rotate-$version-linux-$(go env GOARCH)
grep -q "^rotate $version " <<<"$("$host/rotate" version)" || die "says another version: $("$host/rotate" version)"
grep -q 'ExecStart=/usr/local/bin/rotate run' "$host/systemd/rotate.service" || die "the archive's unit starts another program"
ok "archives for ${targets[*]}, each with its list of parts"

# Completions, as each shell reads them.
bash -n "$host/completions/rotate.bash"
zsh -n "$host/completions/rotate.zsh"
fish --no-execute "$host/completions/rotate.fish"
grep -q '^_rotate()\|^function _rotate\|compdef _rotate' "$host/completions/rotate.zsh" || die "zsh: no function _rotate"
grep -q '^status' <<<"$("$host/rotate" __complete st 2>/dev/null)" || die "st is not completed to status"
printf 'environment: test\nstores: {disk: {type: file, dir: ./keys}}\nkeys: {auth-jwt: {store: disk}}\n' >"$work/complete.yaml"
said=$(ROTATE_CONFIG=$work/complete.yaml PATH=$host:$PATH fish --no-config -c "source $host/completions/rotate.fish; complete -C 'rotate now '")
test "$said" = auth-jwt || die "fish completes the keys of the config to: $said"
ok "completions for bash, zsh and fish"

# Packages. What Debian's own packages may not do and others may is left out of the judgement.
run lintian --allow-root --fail-on error,warning --suppress-tags \
	statically-linked-binary,copyright-file-contains-full-apache-2-license,maintainer-script-calls-systemctl,initial-upload-closes-no-bugs \
	"$dist"/*.deb || die "lintian is not content"
for arch in amd64:x86_64 arm64:aarch64; do
	test -e "$dist/rotate-$version-linux-${arch%:*}.tar.gz" || continue
	rm -rf "$work"/{deb,rpm,apk}
	mkdir "$work"/{deb,rpm,apk}
	dpkg-deb -x "$dist"/rotate_*_"${arch%:*}".deb "$work/deb"
	# Debian's rpm2cpio ends with 1 although all is there; the digests of the rpm judge that.
	rpm2cpio "$dist"/*."${arch#*:}".rpm >"$work/cpio" || true
	(cd "$work/rpm" && cpio --quiet --no-absolute-filenames -id <"$work/cpio" 2>"$work/cpio.log") || die "cpio: $(cat "$work/cpio.log")"
	rpm -qp --qf '[%{FILEDIGESTS}  .%{FILENAMES}\n]' "$dist"/*."${arch#*:}".rpm 2>/dev/null | grep -v '^ ' >"$work/digests"
	(cd "$work/rpm" && sha256sum --quiet -c "$work/digests") || die "the rpm's files are not what it says"
	tar -xzf "$dist"/*_"${arch#*:}".apk -C "$work/apk" 2>/dev/null
	rpm -K --nosignature "$dist"/*."${arch#*:}".rpm | grep -q 'digests OK' || die "the rpm's digests are wrong"
	for kind in deb rpm apk; do
		cmp "$work/$kind/usr/bin/rotate" "$work/rotate-$version-linux-${arch%:*}/rotate"
		for unit in "$work"/first/deploy/systemd/*.{service,timer,path}; do cmp "$unit" "$work/$kind/usr/lib/systemd/system/${unit##*/}"; done
		for file in /etc/rotate/rotate.yaml /usr/lib/sysusers.d/rotate.conf /usr/lib/tmpfiles.d/rotate.conf /usr/share/man/man1/rotate-now.1.gz \
			/usr/share/bash-completion/completions/rotate /usr/share/fish/vendor_completions.d/rotate.fish /usr/share/doc/rotate/rotate.cdx.json \
			/usr/share/rotate/systemd/vault-token.conf; do
			test -s "$work/$kind$file" || die "the $kind has no $file"
		done
		grep -rqs 'MPL\|Mozilla Public License' "$work/$kind"/usr/share/{doc/rotate/copyright,licenses/rotate} || die "the $kind has no terms of what is linked in"
	done
	test -s "$work/deb/usr/share/zsh/vendor-completions/_rotate" -a -s "$work/rpm/usr/share/zsh/site-functions/_rotate" -a -s "$work/apk/usr/share/zsh/site-functions/_rotate"
	grep -q "^arch = ${arch#*:}" "$work/apk/.PKGINFO" || die "the apk is for another system"
	test "$(rpm -qp --qf '%{ARCH} %{VERSION}' "$dist"/*."${arch#*:}".rpm 2>/dev/null)" = "${arch#*:} ${version#v}" || die "the rpm is for another system"
done
cp "$dist"/*."$(uname -m)".rpm "$work/host.rpm"
rpm -qp --configfiles "$work/host.rpm" 2>/dev/null | grep -q '^/etc/rotate/rotate.yaml' || die "the rpm would overwrite the config"
rpm -qp --scripts "$work/host.rpm" 2>/dev/null >"$work/scripts"
for word in postinstall preuninstall postuninstall; do grep -q "^$word scriptlet" "$work/scripts" || die "the rpm has no script $word"; done
for word in pre-install post-install post-deinstall; do test -x "$work/apk/.$word" || die "the apk has no script $word"; done

# The scripts of rpm and apk by their own arguments, without systemd: nothing fails, and
# what stays is said when the package goes, not when it is upgraded.
mkdir "$work/kept"
sed "s#-d /var/lib/rotate#-d $work/kept#" "$work/first/packaging/scripts/postremove.sh" >"$work/postremove"
for said in 0:1 1:0 remove:1 purge:1 upgrade:0 0.1.0-r1:1; do
	count=$(sh -e "$work/postremove" "${said%:*}" | grep -c 'are kept' || true)
	test "$count" = "${said#*:}" || die "postremove ${said%:*} says $count times what stays"
done
ok "deb, rpm and apk"
