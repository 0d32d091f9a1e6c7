# What systemd says of the units themselves. Each is whole, so each has the same lines
# about who runs it and what it may not do.
hardened() { sed -n '/^# Who runs it/,/^SystemCallErrorNumber/p' "deploy/systemd/$1"; }
test "$(hardened rotate.service | wc -l)" -gt 50 || die "the common lines of the units are not found"
for unit in rotate-once.service rotate-now@.service; do
	diff <(hardened rotate.service) <(hardened $unit) || die "rotate.service and $unit differ in what they may do"
done
for unit in rotate.service rotate-once.service rotate-once.timer "rotate-now@$key.service" restart-on-rotate@shop.{path,service}; do
	said=$(inside systemd-analyze verify --man=no "$unit" 2>&1) || true
	test -z "$said" || die "systemd-analyze verify $unit: $said"
done
for unit in rotate.service rotate-once.service "rotate-now@$key.service"; do
	inside systemd-analyze security --no-pager --threshold=15 "$unit" >"$work/rating" || { cat "$work/rating" >&2; die "$unit is rated worse than 1.5"; }
	tail -1 "$work/rating"
done
