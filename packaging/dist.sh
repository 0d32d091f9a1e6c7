#!/usr/bin/env bash
# Everything of a release, in a folder: `make dist VERSION=v1.2.3` calls this.
#
#   packaging/dist.sh FOLDER [VERSION]
#
# archives for Linux and macOS, packages (deb, rpm, apk) for Linux, each for amd64 and
# arm64; a list of parts (SBOM) for each program; SHA256SUMS of all. Without a version
# it is v0.0.0 with date and commit. Nothing here depends on the hour, the host or
# the folder, so two builds of a commit are one. Needs Go and GNU tar. A test may ask
# for some targets alone: TARGETS="linux/amd64".
set -euo pipefail
cd "$(dirname "$0")/.."
test $# -ge 1 || { echo "usage: packaging/dist.sh FOLDER [VERSION]" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH=$epoch TZ=UTC LC_ALL=C
date=$(date -d "@$epoch" +%Y-%m-%d)
version=${2:-v0.0.0-${date//-/}.g$(git rev-parse --short=12 HEAD)}
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || { echo "packaging/dist.sh: $version is no version such as v1.2.3 or v1.2.3-rc.1" >&2; exit 2; }
read -ra targets <<<"${TARGETS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64}"
umask 022
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
rm -rf "${out:?}"/*

# What is the same for all: terms, manual, completions, Debian's two files.
make --no-print-directory -s licences LICENCES="$stage/THIRD_PARTY_LICENSES"
make --no-print-directory -s man MAN="$stage/man" VERSION="$version" DATE="$date"
make --no-print-directory -s build OUT="$stage/host" VERSION="$version"
mkdir "$stage/completions" "$stage/tar"
for shell in bash zsh fish; do "$stage/host" completion "$shell" >"$stage/completions/rotate.$shell"; done
cat - "$stage/THIRD_PARTY_LICENSES" >"$stage/copyright" <<'END'
rotate: https://github.com/keyrotate/rotate

Copyright The rotate authors. Licensed under the Apache License, Version 2.0, which is
in /usr/share/common-licenses/Apache-2.0 on Debian.

END
printf 'rotate (%s-1) unstable; urgency=medium\n\n  * See https://github.com/keyrotate/rotate/blob/main/CHANGELOG.md\n\n -- The rotate authors <keyrotate@users.noreply.github.com>  %s\n' \
	"${version#v}" "$(date -R -d "@$epoch")" | gzip -9n >"$stage/changelog.gz"

for target in "${targets[@]}"; do
	system=${target%/*} arch=${target#*/} name=rotate-$version-${target//\//-}
	mkdir "$stage/tar/$name"
	GOOS=$system GOARCH=$arch make --no-print-directory -s build OUT="$stage/tar/$name/rotate" VERSION="$version"
	make --no-print-directory -s sbom-of BINARY="$stage/tar/$name/rotate" VERSION="$version" SBOM="$out/$name.cdx.json"

	cp LICENSE NOTICE README.md CHANGELOG.md config.example.yaml "$stage/THIRD_PARTY_LICENSES" "$stage/tar/$name"
	cp -r "$stage/man" "$stage/completions" "$stage/tar/$name"
	if test "$system" = linux; then
		# What an administrator installs by hand has its place in /usr/local.
		mkdir "$stage/tar/$name/systemd"
		cp deploy/systemd/* packaging/files/{sysusers,tmpfiles}.conf "$stage/tar/$name/systemd"
		sed -i 's#/usr/bin/rotate#/usr/local/bin/rotate#' "$stage/tar/$name/systemd"/*.service
		cp "$stage/tar/$name/rotate" "$stage/rotate-$arch"
		cp "$out/$name.cdx.json" "$stage/rotate-$arch.cdx.json"
	fi
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -C "$stage/tar" -c "$name" | gzip -9n >"$out/$name.tar.gz"
done

gzip -9n "$stage"/man/*.1
for arch in amd64 arm64; do
	test -e "$stage/rotate-$arch" || continue
	for format in deb rpm apk; do
		(cd packaging && STAGE=$stage ARCH=$arch VERSION=$version go tool nfpm package -f nfpm.yaml -p "$format" -t "$out" >/dev/null)
	done
done
(cd "$out" && sha256sum -- * >"$stage/sums" && mv "$stage/sums" SHA256SUMS)
cat "$out/SHA256SUMS"
