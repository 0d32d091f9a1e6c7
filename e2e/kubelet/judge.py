"""Judges what became of the daemon's pods: every value that auth-jwt's Secret had, and how each daemon ended.

Arguments: what `kubectl get --watch -o json` said of the Secret, and of the pods.
"""
import base64, json, sys

def objects(path):
    text, at, decoder = open(path).read(), 0, json.JSONDecoder()
    while at < len(text.rstrip()):
        o, at = decoder.raw_decode(text, at)
        while at < len(text) and text[at].isspace(): at += 1
        yield o

def wrong(why, doc): sys.exit("e2e/kubelet.sh: %s at generation %s" % (why, doc["generation"]))

before, seen, rotations = None, 0, 0
for o in objects(sys.argv[1]):
    doc = json.loads(base64.b64decode(o["data"]["keyset"]))
    kids = {k["kid"]: k["status"] for k in doc["keys"]}
    signs = [kid for kid, status in kids.items() if status == "current"]
    if len(signs) != 1: wrong("not one key signs", doc)
    if before:
        if doc["lineage"] != before["lineage"]: wrong("another lineage", doc)
        if doc["generation"] - before["generation"] not in (0, 1): wrong("a generation is skipped or repeated", doc)
        if signs[0] != before["signs"]:
            rotations += 1
            if before["kids"].get(signs[0]) != "next": wrong("a key signs that was not next before", doc)
            if kids.get(before["signs"]) != "previous": wrong("the key that signed does not verify", doc)
    before, seen = {"lineage": doc["lineage"], "generation": doc["generation"], "kids": kids, "signs": signs[0]}, seen + 1
if rotations < 15: sys.exit("only %d rotations" % rotations)

codes = {}
for o in objects(sys.argv[2]):
    if o["metadata"].get("labels", {}).get("app.kubernetes.io/component") != "daemon": continue
    for c in o.get("status", {}).get("containerStatuses", []):
        for state in (c["state"], c.get("lastState", {})):
            if "terminated" in state: codes[o["metadata"]["name"], state["terminated"]["containerID"]] = state["terminated"]["exitCode"]
killed = [code for code in codes.values() if code != 0]
if len(codes) < 12: sys.exit("the end of %d daemons was seen, too few" % len(codes))
if killed != [137]: sys.exit("daemons ended with %s; only the hung one is to be killed (137)" % sorted(codes.values()))
print("ok  \t      %d values of auth-jwt: one lineage, %d rotations, no generation skipped, each key published before it signed and verifying after; %d daemons ended with 0, the hung one with 137"
      % (seen, rotations, len(codes) - 1))
