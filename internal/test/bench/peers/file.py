"""The job of `rotate now` on a file, as a script; argv[1] is the file."""
import json
import os
import secrets
import sys

path = sys.argv[1]
with open(path) as f:
    old = json.load(f)
with open(path + ".new", "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
    json.dump({"current": secrets.token_urlsafe(32), "previous": old["current"]}, f)
    f.flush()
    os.fsync(f.fileno())
os.rename(path + ".new", path)
