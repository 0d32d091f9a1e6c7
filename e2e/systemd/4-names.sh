# Names of keys in rotate-now@, and the timer.
odd=api.v2_eu-1
configure <<END
environment: test
stores: {disk: {type: file, dir: /var/lib/rotate/keys}}
defaults: {store: disk, grace: 10s, propagation: 0s, sync: 1s, grace_bounds: {min: 1s, max: 1m}}
keys: {$key: {}, $odd: {}, auth: {}, jwt: {}}
END
inside systemctl reload rotate
for name in "$key" "$odd"; do
	before=$(kid current "$name" || true)
	inside systemctl start "rotate-now@$name"
	within 10 "$name is rotated" differs "$before" kid current "$name"
done
for name in "$(inside systemd-escape "$key")" none; do
	if inside systemctl start "rotate-now@$name" 2>/dev/null; then die "rotate-now@$name does not fail"; fi
done
said 'rotate-now@none.service' 3 "none" || die "no line about a key that does not exist, with priority err"
said "rotate-now@$(inside systemd-escape "$key").service" 3 "x2djwt" || die "no line about an escaped name"
echo "-- journalctl of an escaped name:"
inside journalctl --no-pager -o cat -u "rotate-now@$(inside systemd-escape "$key")" | grep -v systemd
inside systemctl reset-failed
ok "rotate-now@ takes the name as it is in the config: $key, $odd"

as_page "Have no daemon"
inside mkdir -p /run/systemd/system/rotate-once.timer.d
inside tee /run/systemd/system/rotate-once.timer.d/often.conf <<<$'[Timer]\nOnCalendar=\nOnCalendar=*:*:0/2\nRandomizedDelaySec=0\nAccuracySec=100ms' >/dev/null
inside systemctl daemon-reload
inside systemctl restart rotate-once.timer
within 20 "the timer starts the service" said rotate-once.service 6 "$key: "
same success property rotate-once.service Result || die "rotate-once failed"
inside journalctl --no-pager -o cat -u rotate-once -n 5
inside rm -r /run/systemd/system/rotate-once.timer.d
inside systemctl daemon-reload
inside systemctl disable --quiet --now rotate-once.timer
inside systemctl enable --quiet --now rotate
ok "the timer does what is due"
