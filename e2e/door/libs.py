"""PyJWT, as an application calls it: a request a line in, an answer a line out."""

import base64
import json
import sys

import jwt


def key(form: str, value):
    if form == "base64":
        return base64.b64decode(value)
    return jwt.PyJWK(value).key if form == "jwk" else value


for line in sys.stdin:
    ask = json.loads(line)
    try:
        if ask["do"] == "sign":
            answer = {"token": jwt.encode({"sub": "door"}, key(ask["form"], ask["key"]), algorithm=ask["alg"])}
        else:
            jwt.decode(ask["token"], key(ask["form"], ask["key"]), algorithms=[ask["alg"]])
            answer = {"verified": True}
    except jwt.InvalidSignatureError:
        answer = {"verified": False}
    print(json.dumps(answer), flush=True)
