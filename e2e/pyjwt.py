"""PyJWT signs and verifies with what rotate leaves on disk, before, during and
after a rotation. Run by e2e/pyjwt.sh; argument: the rotate binary."""

import json
import pathlib
import subprocess
import sys
import tempfile

import jwt

CONFIG = """
environment: test
stores: {disk: {type: file, dir: ./keys}}
defaults: {store: disk, propagation: 0s}
keys: {shared: {algorithm: HS512}, pair: {algorithm: ES256}}
"""


def main(rotate: str) -> None:
    with tempfile.TemporaryDirectory() as tmp:
        (pathlib.Path(tmp) / "rotate.yaml").write_text(CONFIG)

        def run(*args: str) -> str:
            done = subprocess.run([rotate, *args], cwd=tmp, capture_output=True, text=True)
            if done.returncode not in (0, 3):  # 3: done, but a person has to look
                raise SystemExit(f"rotate {' '.join(args)}: {done.stderr}")
            return done.stdout

        def document(name: str) -> dict:
            return json.loads((pathlib.Path(tmp) / "keys" / f"test-{name}.json").read_text())

        tokens: dict[str, list[str]] = {"shared": [], "pair": []}
        for generation in range(3):
            run("now", "--all")
            for name, alg in (("shared", "HS512"), ("pair", "ES256")):
                doc = document(name)
                # As an application that reads one variable signs, and as one that reads the JWK.
                by_text = jwt.encode({"n": generation}, doc["current"], algorithm=alg)
                jwk = jwt.PyJWK(doc["keys"][0])
                by_jwk = jwt.encode({"n": generation}, jwk.key, algorithm=alg, headers={"kid": jwk.key_id})
                tokens[name] += [by_text, by_jwk]
                for token in tokens[name]:
                    verify(token, doc)
        public = json.loads(run("get", "pair", "--format", "jwks"))
        for token in tokens["pair"]:
            verify(token, public)
        print(f"PyJWT {jwt.__version__}: {sum(map(len, tokens.values()))} tokens of 3 generations of 2 keys, all verified")


def verify(token: str, doc: dict) -> None:
    """Any live key may have signed; the algorithm is the key's."""
    for key in doc["keys"]:
        try:
            jwt.decode(token, jwt.PyJWK(key).key, algorithms=[key["alg"]])
            return
        except jwt.InvalidSignatureError:
            continue
    raise SystemExit("a token was refused")


main(sys.argv[1])
