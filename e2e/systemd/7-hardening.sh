# What systemd says of the units themselves.
for unit in rotate.service rotate-once.service rotate-once.timer "rotate-now@$key.service" restart-on-rotate@shop.{path,service}; do
	said=$(inside systemd-analyze verify --man=no "$unit" 2>&1) || true
	test -z "$said" || die "systemd-analyze verify $unit: $said"
done
for unit in rotate.service rotate-once.service "rotate-now@$key.service"; do
	inside systemd-analyze security --no-pager --threshold=15 "$unit" >"$work/rating" || { cat "$work/rating" >&2; die "$unit is rated worse than 1.5"; }
	tail -1 "$work/rating"
done
