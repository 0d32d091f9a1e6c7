# Upgrade with keys kept, remove, purge.
configure <<'END'
environment: production
stores: {disk: {type: file, dir: /var/lib/rotate/keys}}
keys: {auth-jwt: {store: disk}}
END
inside systemctl restart rotate
install_deb() { inside bash -c "DEBIAN_FRONTEND=noninteractive apt-get -q install -y $1"; }
before=$(kid current) pid=$(property rotate.service MainPID)
install_deb '/mnt/next/*.deb'
within 10 "the daemon is restarted" replaced "$pid"
same "$before" kid current || die "an upgrade changes the key"
same "99.0.0-1" inside dpkg-query -W -f '${Version}' rotate || die "the upgrade did not happen"
ok "upgraded: the daemon restarted, keys and config kept"

inside apt-get -q remove -y rotate | tee "$work/removed"
grep -q '/var/lib/rotate and the user rotate are kept' "$work/removed" || die "removing does not say what stays"
inside bash -c 'ls /var/lib/rotate/keys/production-auth-jwt.json' || die "removing deletes keys"
same inactive property rotate.service ActiveState || die "the daemon runs after its package was removed"
inside test -e /etc/rotate/rotate.yaml || die "removing deletes the config"
inside apt-get -q purge -y rotate | tee "$work/purged"
grep -q '/var/lib/rotate and the user rotate are kept' "$work/purged" || die "purging does not say what stays"
inside test -e /var/lib/rotate/keys/production-auth-jwt.json || die "purging deletes keys"
inside test -e /etc/rotate/rotate.yaml && die "purging leaves the config"
left=$(inside find /etc/systemd/system /usr/lib/systemd/system -name '*rotate*' -not -name '*logrotate*')
test -z "$left" || die "what is left of the units: $left"
ok "removed and purged: keys are kept, and said to be"

# The three lines of the README, after all was purged: they go on with the key.
lines=$(e2e/readme.sh "as a systemd service, from the package")
inside bash -euxc "cd /mnt; $lines"
same active property rotate.service ActiveState || die "README.md's lines do not start the daemon"
within 10 "a key signs" same "$before" kid current
inside apt-get -q purge -y rotate >/dev/null
ok "the three lines of the README install and start it"
