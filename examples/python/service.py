"""A service that signs with current, verifies with every live key, and reads
the keyset again whenever it is used.

    pip install -r requirements.txt
    KEYSET=../../keys/development-auth-jwt.json ADDR=127.0.0.1:8080 python service.py
"""

import http.server
import json
import os
import pathlib
import time
import urllib.parse

import jwt


def live() -> list[dict]:
    """rotate's config says how old what we know may be (propagation); a small
    file is read faster than a signature is checked."""
    return json.loads(pathlib.Path(os.environ["KEYSET"]).read_text())["keys"]


def sign(subject: str) -> str:
    current = live()[0]  # the first signs
    claims = {"sub": subject, "exp": int(time.time()) + 3}
    return jwt.encode(claims, jwt.PyJWK(current).key, algorithm=current["alg"], headers={"kid": current["kid"]})


def verify(token: str) -> str:
    kid = jwt.get_unverified_header(token).get("kid")
    for key in live():
        if kid in (None, key["kid"]):
            public = {name: v for name, v in key.items() if name != "d"}  # PyJWT verifies with no private RSA key
            try:  # the key's algorithm, never the token's
                return jwt.decode(token, jwt.PyJWK(public), algorithms=[key["alg"]])["sub"]
            except jwt.InvalidSignatureError:
                continue
    raise jwt.InvalidTokenError("no live key has signed this token")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        try:
            answer = sign(query["sub"]) if url.path == "/token" else verify(query["token"])
            self.send_response(200)
        except (jwt.InvalidTokenError, KeyError):
            answer = "refused"
            self.send_response(401)
        self.end_headers()
        self.wfile.write(answer.encode())


host, port = os.environ["ADDR"].split(":")
http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
