"""icalendar reads what `rotate plan -o ics` writes, before and after a rotation, and of a key that halted.
Run by e2e/ics.sh; argument: the rotate binary."""

import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

import icalendar

CONFIG = """
environment: test
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk, every: 90d}
keys: {auth: {}, billing: {algorithm: ES256}, "mail.out": {}}
"""
WEEK = datetime.timedelta(days=7)


def main(rotate: str) -> None:
    with tempfile.TemporaryDirectory() as tmp:
        (pathlib.Path(tmp) / "rotate.yaml").write_text(CONFIG)

        def run(*args: str, code: int = 0) -> bytes:
            done = subprocess.run([rotate, *args], cwd=tmp, capture_output=True)
            assert done.returncode == code, f"rotate {' '.join(args)}: {done.returncode}: {done.stderr.decode()}"
            return done.stdout

        def calendar(*args: str, code: int = 0) -> list[icalendar.Event]:
            raw = run("plan", "-o", "ics", *args, code=code)
            assert all(len(line) <= 75 for line in raw.split(b"\r\n")), "a line is too long"
            cal = icalendar.Calendar.from_ical(raw)
            assert cal.errors == [] and str(cal["version"]) == "2.0" and str(cal["x-wr-calname"]) == "rotate test", cal.errors
            events = list(cal.walk("VEVENT"))
            for e in events:
                assert e.errors == [] and e.start is not None and str(e["summary"]), e.errors
                alarms = list(e.walk("VALARM"))
                assert len(alarms) == str(e["summary"]).endswith("begins to sign"), f"{e['summary']} has {len(alarms)} alarms"
                assert all(a["trigger"].dt == -WEEK and str(a["action"]) == "DISPLAY" for a in alarms)
            uids = [str(e["uid"]) for e in events]
            assert len(set(uids)) == len(uids), "a UID is there twice"
            return events

        run("now", "--all")
        before = calendar()
        plan = json.loads(run("plan", "-o", "json"))
        dates = sorted(datetime.datetime.fromisoformat(s["at"]) for k in plan["keys"] for s in k["steps"])
        assert len(dates) > 30 and sorted(e.start for e in before) == dates, "the calendar and the JSON differ"
        assert {str(e["uid"]) for e in calendar()} == {str(e["uid"]) for e in before}, "the UIDs change"

        document = pathlib.Path(tmp) / "keys" / "test-auth.json"
        document.write_text(document.read_text().replace('"generation":1', '"generation":7'))
        halted = [e for e in calendar(code=3) if str(e["summary"]).startswith("auth: halted")]
        assert len(halted) == 1 and isinstance(halted[0].start, datetime.date), "a key that halted is not in the calendar"
        print(f"icalendar {icalendar.__version__}: {len(before)} events of 3 keys, all read; a key that halted is told")


main(sys.argv[1])
