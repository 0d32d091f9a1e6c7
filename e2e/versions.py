"""Two versions of rotate on one key. Called by versions.sh: OLD NEW FOLDER."""
import contextlib
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

OLD, NEW, WORK = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
PERIOD, GRACE = 4, 2  # seconds

CONFIG = """
environment: test
audit: {{file: {audit}}}
stores: {{disk: {{type: file, dir: ./keys}}}}
defaults:
  {{store: disk, propagation: 0s, jitter: 0s, every: {period}s, grace: {grace}s, grace_bounds: {{min: 0s, max: 48h}}, sync: 1s}}
keys:
  auth-jwt:
    outputs:
      - {{format: keyset, path: ./copy.json}}
      - {{format: value, path: ./jwt}}
      - {{format: env, path: ./.env}}
"""


class Key:
    """One key in a folder of its own, with a config and an audit file for each version."""

    def __init__(self, name):
        self.dir = WORK / name
        self.dir.mkdir(mode=0o700)
        for version in ("old", "new"):
            text = CONFIG.format(audit=f"./{version}.jsonl", period=PERIOD, grace=GRACE)
            (self.dir / f"{version}.yaml").write_text(text)
        self.path = self.dir / "keys/test-auth-jwt.json"
        self.lineages, self.generation = set(), 0

    def call(self, version, *args, code=0):
        binary = {"old": OLD, "new": NEW}[version]
        got = subprocess.run([binary, *args, "-c", f"{version}.yaml"], cwd=self.dir, capture_output=True, text=True, timeout=60)
        codes = code if isinstance(code, tuple) else (code,)
        assert got.returncode in codes, f"{version} {args}: exit code {got.returncode}, want {codes}\n{got.stdout}{got.stderr}"
        return got.stdout + got.stderr

    @contextlib.contextmanager
    def daemons(self, *versions):
        running = []
        for version in versions:
            log = open(self.dir / f"{version}.log", "a")
            binary = {"old": OLD, "new": NEW}[version]
            running.append(subprocess.Popen([binary, "run", "-c", f"{version}.yaml"], cwd=self.dir, stdout=log, stderr=log))
        try:
            yield
            for daemon, version in zip(running, versions):
                assert daemon.poll() is None, f"the {version} daemon has ended: {(self.dir / f'{version}.log').read_text()[-2000:]}"
        finally:
            for daemon in running:
                daemon.send_signal(signal.SIGTERM)
            for daemon in running:
                daemon.wait(timeout=10)

    def document(self):
        doc = json.loads(self.path.read_text())
        self.lineages.add(doc["lineage"])
        assert doc["generation"] >= self.generation, f"generation {doc['generation']} after {self.generation}"
        self.generation = doc["generation"]
        return doc

    def lives(self, rotations):
        """Waits until so many more keys have come to sign; every document on the way is looked at."""
        seen, end = [], time.monotonic() + (rotations + 3) * PERIOD
        while len(seen) <= rotations:
            assert time.monotonic() < end, f"only {len(seen) - 1} of {rotations} rotations came; {self.document()}"
            kid = self.document()["keys"][0]["kid"]
            if kid not in seen:
                seen.append(kid)
            time.sleep(0.05)

    def settles(self, version):
        """Lets one version do what is due, and checks that nothing was forked or left behind."""
        self.call(version, "run", "--once")
        report = json.loads(self.call(version, "status", "-o", "json"))["keys"][0]
        assert not report.get("attention"), report
        doc = self.document()
        copy = json.loads((self.dir / "copy.json").read_text())
        assert copy["lineage"] == doc["lineage"] and copy["generation"] == doc["generation"], "copy.json is behind"
        assert (self.dir / "jwt").read_text() == doc["current"], "jwt is behind"
        assert f"={doc['current']}" in (self.dir / ".env").read_text(), ".env is behind"
        assert len(self.lineages) == 1, f"forked: {self.lineages}"
        return report

    def events(self):
        for version in ("old", "new"):
            path = self.dir / f"{version}.jsonl"
            for line in path.read_text().splitlines() if path.exists() else []:
                yield version, json.loads(line)

    def never_forked(self):
        """No generation was made twice, and nobody refused anything."""
        made = {}
        for version, event in self.events():
            assert event["action"] != "refuse", f"{version}: {event['reason']}"
            if event["action"] in ("create", "publish", "promote", "retire", "revoke"):
                made.setdefault(event["generation"], set()).add((version, event["action"]))
        twice = {g: who for g, who in made.items() if len(who) > 1}
        assert not twice, f"made twice: {twice}"
        missing = set(range(1, self.generation + 1)) - set(made)
        assert not missing, f"generations that nobody tells of: {missing}"
        return made


def sealed(doc):
    """The document as rotate writes it, with the digest of what it says now."""
    doc = {name: value for name, value in doc.items() if name != "digest"}
    text = lambda d: json.dumps(d, sort_keys=True, separators=(",", ":")).encode()
    return text({**doc, "digest": "sha-256:" + hashlib.sha256(text(doc)).hexdigest()})


def step(what):
    print(f"== {what}", flush=True)


def a_life():
    key = Key("life")
    step("the first version makes the key and rotates it")
    key.call("old", "now", "auth-jwt")
    with key.daemons("old"):
        key.lives(2)
    time.sleep(GRACE + 1)
    key.settles("old")
    assert all("generation" not in g and g["how"] == "unlinked" for g in key.document()["gone"])

    step("this one reads that, and says what nobody observed")
    report = json.loads(key.call("new", "status", "-o", "json"))["keys"][0]
    assert all(not g["observed"] and g["how"] == "unlinked" for g in report["erasure"]["gone"]), report["erasure"]
    assert "by the store's kind, not observed" in key.call("new", "audit", "auth-jwt")

    step("both look after it at once")
    with key.daemons("old", "new"):
        key.lives(6)
    time.sleep(GRACE + 1)
    key.settles("new")
    key.settles("old")
    who = {version for done in key.never_forked().values() for version, _ in done}
    assert who == {"old", "new"}, f"only {who} did anything"

    step("this one alone, and a report of a compromise")
    with key.daemons("new"):
        key.lives(2)
    time.sleep(GRACE + 1)
    key.settles("new")
    leaked = key.document()["keys"][0]["kid"]
    key.call("new", "now", "--compromised", "auth-jwt", "--yes")
    gone = {g["kid"]: g for g in key.document()["gone"]}
    assert gone[leaked]["generation"] == key.generation, gone[leaked]

    step("back to the first version: it keeps what it does not know, and the revoked key stays revoked")
    noted = gone[leaked]
    with key.daemons("old"):
        key.lives(2)
    time.sleep(GRACE + 1)
    key.settles("old")
    doc = key.document()
    kept = {g["kid"]: g for g in doc["gone"]}[leaked]
    assert all(kept.get(name) == value for name, value in noted.items()), (noted, kept)
    assert leaked in doc["revoked"] and leaked not in [k["kid"] for k in doc["keys"]]

    step("and forward again: what the first version removed is told apart from what was seen")
    with key.daemons("new"):
        key.lives(2)
    time.sleep(GRACE + 1)
    report = key.settles("new")
    told = {(g["observed"], g["how"]) for g in report["erasure"]["gone"]}
    assert told == {(True, "unlinked"), (False, "unlinked")}, report["erasure"]["gone"]
    key.never_forked()


def a_later_writer():
    """A document that only a later version may write: both halt, at each look, and leave it as it is."""
    for version in ("old", "new"):
        step(f"a document with a higher min_writer halts the {'first' if version == 'old' else 'new'} version")
        key = Key(f"later-{version}")
        key.call(version, "now", "auth-jwt")
        doc = key.document()
        doc["history"] = [[doc["generation"], doc["digest"]], *doc.get("history", [])]
        doc["generation"] += 1
        doc["min_writer"] += 2  # pauses have the second
        doc["later"] = {"member": "that neither knows"}
        text = sealed(doc)
        key.path.write_bytes(text)
        shown = {p: p.read_bytes() for p in (key.dir / "jwt", key.dir / "copy.json", key.dir / ".env")}
        for args in (["run", "--once"], ["now", "auth-jwt"], ["status"]):
            said = key.call(version, *args, code=(1, 3))
            assert "run the newest rotate everywhere" in said, said
        with key.daemons(version):
            time.sleep(2 * PERIOD)
        assert key.path.read_bytes() == text, "it was written over"
        assert all(p.read_bytes() == was for p, was in shown.items()), "an output was written"


def a_pause():
    """The first version knows no pauses: it leaves a paused key alone until the pause has gone."""
    step("a pause halts the first version, and changes no output")
    key = Key("paused")
    key.call("old", "now", "auth-jwt")
    key.call("new", "run", "--once")
    places = [key.dir / "jwt", key.dir / "copy.json", key.dir / ".env"]
    shown = {p: p.read_bytes() for p in places}
    key.call("new", "pause", "auth-jwt", "--until", "1h", "--reason", "a release")
    text = key.path.read_bytes()
    assert key.document()["min_writer"] == 2
    with key.daemons("new"):
        time.sleep(2 * PERIOD)
    for args in (["run", "--once"], ["now", "auth-jwt"], ["status"]):
        said = key.call("old", *args, code=(1, 3))
        assert "run the newest rotate everywhere" in said, said
    assert key.path.read_bytes() == text, "a paused document was written over"
    assert all(p.read_bytes() == was for p, was in shown.items()), "a pause changed an output"
    step("resumed, the first version goes on with it")
    key.call("new", "resume", "auth-jwt")
    assert key.document()["min_writer"] == 1
    with key.daemons("old"):
        key.lives(1)
    assert len(key.lineages) == 1


def a_removal():
    """The first version knows no removals: it stops at each step of one, says so, and writes nothing."""
    key = Key("removed")
    key.call("old", "now", "auth-jwt")
    key.call("new", "run", "--once")
    places = [key.dir / "jwt", key.dir / "copy.json", key.dir / ".env"]

    def stops(says):
        text, shown = key.path.read_bytes(), {p: p.read_bytes() for p in places if p.exists()}
        for args in (["run", "--once"], ["now", "auth-jwt"], ["status"]):
            said = key.call("old", *args, code=(1, 3))
            assert says in said and "Nothing was overwritten" in said, said
        with key.daemons("old"):
            time.sleep(2 * PERIOD)
        assert key.path.read_bytes() == text, "it was written over"
        assert {p: p.read_bytes() for p in places if p.exists()} == shown, "an output was written"

    step("a key that is being removed stops the first version")
    key.call("new", "remove", "auth-jwt", "--in", "1h", "--yes")
    assert [k["status"] for k in key.document()["keys"]] == ["previous"] and key.document()["min_writer"] == 2
    stops("no key is current")
    step("taken back, the first version goes on with it")
    key.call("new", "remove", "auth-jwt", "--undo")
    assert key.document()["min_writer"] == 1
    with key.daemons("old"):
        key.lives(1)
    step("a removed key stops the first version: it begins nothing anew")
    key.call("new", "remove", "auth-jwt", "--now", "--yes")
    assert "keys" not in key.document() and not any(p.exists() for p in places)
    stops("the document's schema is not one that this program knows")
    assert len(key.lineages) == 1


def an_unknown_member():
    """Members of a later version that may be ignored survive each version's writes."""
    key = Key("unknown")
    key.call("old", "now", "auth-jwt")
    doc = key.document()
    doc["history"] = [[doc["generation"], doc["digest"]], *doc.get("history", [])]
    doc["later"] = {"member": "that neither knows"}
    doc["keys"][0]["later"] = 1
    key.path.write_bytes(sealed(doc))
    step("members that neither knows survive a rotation by each")
    for version in ("old", "new"):
        time.sleep(PERIOD)
        with key.daemons(version):
            key.lives(1)
        assert key.document()["later"] == doc["later"]
    assert len(key.lineages) == 1


def outputs_that_this_version_made():
    """This version keeps notes and locks of an output elsewhere than the first one.

    What equals the newest rendering the first version takes for its own, and writes its own note. What is behind it
    leaves alone with an alarm, and then promotes and retires nothing: it halts there, and this version goes on.
    """
    key = Key("made")
    step("outputs that this version made: the first version looks after them, then both at once")
    key.call("new", "now", "auth-jwt")
    with key.daemons("old"):
        key.lives(2)
    time.sleep(GRACE + 1)
    key.settles("old")
    with key.daemons("old", "new"):
        key.lives(4)
    time.sleep(GRACE + 1)
    key.settles("old")
    key.settles("new")
    key.never_forked()

    step("one of them behind: the first version stops there and writes nothing over, this one goes on")
    key = Key("behind")
    key.call("new", "now", "auth-jwt")
    copy = key.dir / "copy.json"
    was = json.loads(copy.read_text())
    was["later"] = 1
    copy.write_bytes(sealed(was))
    shown = copy.read_bytes()
    with key.daemons("old"):
        time.sleep(3 * PERIOD)
    said = key.call("old", "status", code=3)
    assert "copy.json: it holds a value that rotate did not write; nothing was overwritten" in said, said
    assert copy.read_bytes() == shown, "it was written over"
    assert [k["status"] for k in key.document()["keys"]] == ["current", "next"], "it went on although an output was behind"
    with key.daemons("new"):
        key.lives(2)
    time.sleep(GRACE + 1)
    key.settles("new")
    key.never_forked()


os.environ.pop("ROTATE_CONFIG", None)
for scenario in (a_life, a_later_writer, a_pause, a_removal, an_unknown_member, outputs_that_this_version_made):
    scenario()
print("the two versions agree")
