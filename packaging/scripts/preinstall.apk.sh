#!/bin/sh
# Alpine has no sysusers.d: the user and its folder, before the files.
set -e
getent group rotate >/dev/null 2>&1 || addgroup -S rotate
getent passwd rotate >/dev/null 2>&1 || adduser -S -D -H -h /var/lib/rotate -s /sbin/nologin -G rotate -g "Rotation of signing keys" rotate
install -d -m 711 -o rotate -g rotate /var/lib/rotate
