#!/bin/sh
# The job of `rotate now` on a file by hand: read, make a value, write it beside
# the old one, sync, rename. $1 is the file.
set -eu
umask 077
old=$(sed -n 's/.*"current": *"\([^"]*\)".*/\1/p' "$1")
printf '{"current": "%s", "previous": "%s"}\n' "$(openssl rand -base64 32)" "$old" >"$1.new"
sync "$1.new"
mv "$1.new" "$1"
