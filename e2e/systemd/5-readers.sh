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

# after: rotate has the application read, by the bus and with a rule of polkit. Until
# then the next key does not sign.
inside systemctl disable --now restart-on-rotate@shop.path
inside systemctl start shop
inside sed -i 's|mode: "0640"}|mode: "0640", after: {systemd: shop.service}}|' /etc/rotate/rotate.yaml
inside grep -q after: /etc/rotate/rotate.yaml || die "the config has no after"
inside systemctl restart rotate
unread() { rotate status -o json >"$work/status"; grep -q output_unread "$work/status"; } # status ends with 3 then
logged() { said rotate.service 4 'polkit has to allow it' || said rotate.service 3 'polkit has to allow it'; }
well() { rotate status >/dev/null; }
within 20 "rotate says that the application does not read" unread
within 20 "the log says what is missing" logged
before=$(kid current)
inside systemctl start "rotate-now@$key" || true
within 10 "the next key" differs '' kid next
sleep 3
same "$before" kid current || die "a key signs that the application has not read"
ok "without the right to have shop reload, no new key signs, and the log says why"
started=$(property shop.service InvocationID)
if rotate validate --probe >"$work/probe" 2>&1; then die "a probe does not find that the right is missing"; fi
grep -q 'after: systemd shop.service: .*' "$work/probe" && grep -q 'polkit has to allow it' "$work/probe" || die "the probe says: $(cat "$work/probe")"
awk '/^```js$/ { inside = 1; next } /^```$/ { inside = 0 } inside' docs/outputs.md | inside tee /etc/polkit-1/rules.d/50-rotate-shop.rules >/dev/null
within 120 "the key signs" differs "$before" kid current
within 20 "the application is restarted by rotate" differs "$started" property shop.service InvocationID
within 20 "all is told" well
ok "with the rule of docs/outputs.md, rotate restarts shop, and then the key signs"
started=$(property shop.service InvocationID)
rotate validate --probe >"$work/probe" 2>&1 || die "the probe fails: $(cat "$work/probe")"
grep -q 'after systemd shop.service: rotate can have it read output /etc/shop/.env' "$work/probe" || die "the probe says: $(cat "$work/probe")"
same "$started" property shop.service InvocationID || die "a probe restarts the application"
same active property shop.service ActiveState || die "a probe stops the application"
ok "a probe tells whether shop could be restarted, and does not restart it"
refused() { ! inside runuser -u rotate -- systemctl --no-ask-password "$@" >/dev/null 2>&1; }
refused stop shop || die "rotate may stop shop"
refused reload-or-try-restart rotate-once || die "rotate may restart another unit"
inside systemctl stop shop
rotate validate --probe >/dev/null || die "a probe wants the application to run"
same inactive property shop.service ActiveState || die "a probe starts the application"
inside sed -i 's/systemd: shop.service/systemd: shoo.service/' /etc/rotate/rotate.yaml
if rotate validate --probe >"$work/probe" 2>&1; then die "a probe does not find that there is no such unit"; fi
grep -q 'systemd has it as not-found' "$work/probe" || die "the probe says: $(cat "$work/probe")"
inside sed -i 's/systemd: shoo.service/systemd: shop.service/' /etc/rotate/rotate.yaml
before=$(kid current)
inside systemctl start "rotate-now@$key"
within 10 "a rotation" differs "$before" kid current
sleep 2
same inactive property shop.service ActiveState || die "rotate started a stopped application"
ok "it may do nothing else to units, and a stopped application stays stopped"
