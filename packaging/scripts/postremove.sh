#!/bin/sh
# After the package is gone. What it kept is left, and said: keys that nobody has a
# copy of must not go with a package.
set -e
case "$1" in
remove | purge | 0 | [0-9]*.*) ;; # apk says the version
*) exit 0 ;; # upgrade, disappear, abort-install, 1
esac
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
if [ -d /var/lib/rotate ]; then
	echo "rotate: /var/lib/rotate and the user rotate are kept, since they may hold keys. If nobody needs them: rm -r /var/lib/rotate && userdel rotate"
fi
