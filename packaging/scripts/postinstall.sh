#!/bin/sh
# After an installation or an upgrade, of deb, rpm and apk. dpkg says "configure"
# and the version before; rpm says how many versions there are then.
set -e
case "$1" in
configure) before=$2 ;;
1) before= ;;
2) before=another ;;
abort-*) exit 0 ;;
*) before= ;;
esac

if command -v systemd-sysusers >/dev/null 2>&1; then
	systemd-sysusers rotate.conf
	systemd-tmpfiles --create rotate.conf
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# A daemon that runs goes on as the new version. It finishes the write in hand.
	systemctl try-restart rotate.service
fi
if [ -z "$before" ] && [ -d /run/systemd/system ]; then
	echo "rotate: nothing runs yet. Name your keys in /etc/rotate/rotate.yaml, then: systemctl enable --now rotate"
fi
