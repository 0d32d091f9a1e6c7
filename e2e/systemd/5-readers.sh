# An application that reads a .env file, and is restarted for each new key.
inside groupadd --system shop
inside useradd --system --gid shop --shell /usr/sbin/nologin shop
as_page "Give an application its key in a file"
configure <<END
environment: test
stores: {disk: {type: file, dir: /var/lib/rotate/keys}}
defaults: {store: disk, grace: 10s, propagation: 0s, sync: 1s, grace_bounds: {min: 1s, max: 1m}}
keys:
$(sed -n '/^  auth-jwt: {store: disk, outputs/p' docs/$page)
END
inside grep -q outputs /etc/rotate/rotate.yaml || die "docs/$page has no config with an output"
inside systemctl restart rotate
env_is_there() { inside test -s /etc/shop/.env; }
within 10 "the .env file" env_is_there
same "rotate shop 640" inside stat -c '%U %G %a' /etc/shop/.env || die "the .env file: $(inside stat -c '%U %G %a' /etc/shop/.env)"
inside tee /etc/systemd/system/shop.service >/dev/null <<'END'
[Service]
User=shop
EnvironmentFile=/etc/shop/.env
ExecStart=/usr/bin/bash -c 'test -n "$JWT_SECRET" && exec sleep infinity'
END
inside systemctl daemon-reload
inside systemctl start shop
inside bash -euc "$(page "$page" "Give an application its key in a file" 2)"
started=$(property shop.service InvocationID)
inside systemctl start "rotate-now@$key"
within 20 "the application is restarted" differs "$started" property shop.service InvocationID
same active property shop.service ActiveState || die "the application does not run with its new key"
ok "rotate-now@$key wrote /etc/shop/.env as shop's group reads it, and shop was restarted"

inside systemctl stop shop
before=$(kid current)
inside systemctl start "rotate-now@$key"
within 10 "another rotation" differs "$before" kid current
sleep 2
same inactive property shop.service ActiveState || die "a stopped application was started"
ok "a stopped application stays stopped"
