"""What daemons had to tell, by what their receiver `program` got, and what of it the receiver of receiver.py has not taken.

told.py TAKEN_FILE FILE…: prints counts, and fails while an event is missing.
"""
import json, sys

taken = [json.loads(line) for line in open(sys.argv[1])]
wrong = [t for t in taken if "wrong" in t]
if wrong: sys.exit("a call was not verified: %s" % wrong[0])
got = [t for t in taken if "id" in t]
told = {}
for path in sys.argv[2:]:
    for line in open(path):
        event = json.loads(line)
        for e in event["data"]["events"] if event["type"].endswith(".digest") else [event]:
            told[e["id"]] = e["data"]["text"]
missing = set(told) - {t["id"] for t in got}
if not told or missing: sys.exit("%d of %d ids have not arrived" % (len(missing), len(told)))
print("%d ids told, each arrived; %d events verified, %d of them again" % (len(told), len(got), sum(t["again"] for t in got)))
