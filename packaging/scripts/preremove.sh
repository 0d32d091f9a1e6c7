#!/bin/sh
# Before the package goes. Not at an upgrade: dpkg says "upgrade" then, rpm 1.
set -e
case "$1" in
remove | 0) ;;
*) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
	systemctl stop 'rotate-now@*.service' 'restart-on-rotate@*.path' || true
	systemctl disable --quiet --now rotate.service rotate-once.timer || true
	for link in /etc/systemd/system/*.wants/restart-on-rotate@*.path; do
		[ -L "$link" ] && systemctl disable --quiet "${link##*/}" || true
	done
fi
