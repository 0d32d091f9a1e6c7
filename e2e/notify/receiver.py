"""A receiver of rotate's notifications, made of public libraries: standardwebhooks
checks each signature with the secret that a file has at that moment, cloudevents
reads each event. It refuses every second call. What it has taken is a line of JSON
each in a file, of a digest the events that are in it.

receiver.py PORT SECRET_FILE TAKEN_FILE
"""
import http.server, json, sys, threading

from cloudevents.http import from_dict, from_http
from standardwebhooks.webhooks import Webhook

port, secret_file, taken_file = int(sys.argv[1]), sys.argv[2], sys.argv[3]
lock, calls, ids = threading.Lock(), 0, set()


def take(line):
    with open(taken_file, "a") as f:
        f.write(json.dumps(line) + "\n")


class Receiver(http.server.BaseHTTPRequestHandler):
    def answer(self, code):
        self.send_response(code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        take({"ping": self.path})
        self.answer(200)

    def do_POST(self):
        global calls
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with lock:
            calls += 1
            if calls % 2:
                return self.answer(503)
            if self.path == "/chat":
                take({"chat": json.loads(body)["text"]})
                return self.answer(200)
            try:
                Webhook(open(secret_file).read()).verify(body, dict(self.headers))
                event = from_http(dict(self.headers), body)
            except Exception as e:
                take({"wrong": f"{type(e).__name__}: {e}"})
                return self.answer(400)
            digest = event["type"].endswith(".digest")
            for e in [from_dict(e) for e in event.data["events"]] if digest else [event]:
                again = e["id"] in ids
                ids.add(e["id"])
                take({"id": e["id"], "again": again, "type": e["type"], "subject": e["subject"], "source": e["source"], "text": e.data["text"]})
            self.answer(204)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
