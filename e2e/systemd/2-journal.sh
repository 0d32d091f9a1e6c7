# What systemctl and journalctl show: text with priorities, JSON where asked.
said rotate.service 6 "rotate is at work" || die "no line about the start, with priority info"
said rotate.service 6 "action=create" || die "no audit line about the first key, as text"
said "rotate-now@$key.service" 6 'reason="rotate now"' || die "no audit line about the rotation by hand"
inside journalctl -u rotate -o cat --no-pager | grep '^{' && die "there is JSON in the journal that nobody asked for"
echo "-- journalctl -u rotate, the last lines:"
inside journalctl -u rotate --no-pager -n 4
ok "the journal has text, each line with its priority"

as_page "Read the log"
same active property rotate.service ActiveState
inside journalctl -u rotate _COMM=rotate -o json --no-pager -n 1 | python3 -c '
import json, sys
entry = json.load(sys.stdin)
line = json.loads(entry["MESSAGE"])
sys.exit(not (entry["PRIORITY"] == "6" and line["msg"]))' || die "the last line is not JSON with a priority"
inside rm /etc/systemd/system/rotate.service.d/json.conf
inside systemctl daemon-reload
inside systemctl restart rotate
ok "JSON where it is asked for, and the journal still has the priority"
