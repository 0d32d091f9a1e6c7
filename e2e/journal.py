"""Reads `journalctl -o json` on standard input. Arguments: a priority and a text. Ends
with 0 if a line has both. Each line of rotate's own must be plain text or JSON, with
its priority taken off. Run by systemd-init.sh."""

import json
import sys

priority, text = sys.argv[1:]
found = False
for line in sys.stdin:
    entry = json.loads(line)
    message = entry.get("MESSAGE")
    if not isinstance(message, str):  # null where journald left a binary one out
        continue
    if entry.get("_COMM") == "rotate" and message.startswith("<"):
        sys.exit(f"a priority was left in the text: {message}")
    found |= entry.get("PRIORITY") == priority and text in message
sys.exit(0 if found else 1)
