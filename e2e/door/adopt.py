"""Keys that applications have, adopted: tokens that their libraries made before and
after verify before and after, and through a rotation. Run by e2e/door.sh; arguments:
the rotate binary, and a JSON object of each library's command."""

import base64
import json
import pathlib
import secrets
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ROTATE = sys.argv[1]
HASHES = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm}


class Library:
    """A library's program: a request a line in, an answer a line out."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request) -> dict:
        self.program.stdin.write(json.dumps(request) + "\n")
        self.program.stdin.flush()
        line = self.program.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended at {request['do']} {request['alg']} of {request['form']}")
        return json.loads(line)

    def sign(self, alg: str, form: str, key) -> str | None:
        """A token; None if the library does not read such keys."""
        return self.ask(do="sign", alg=alg, form=form, key=key).get("token")

    def verify(self, token: str, alg: str, keys: list[tuple]) -> bool | None:
        """As an application that tries each of its keys."""
        answers = [self.ask(do="verify", alg=alg, form=form, key=key, token=token) for form, key in keys]
        known = [a["verified"] for a in answers if "verified" in a]
        return any(known) if known else None


class Source:
    """A key as an application has it: signs and verifies are (form, key), as its
    library reads them; file is what lies in source.txt, and how it is adopted."""

    def __init__(self, name, alg, file, signs, verifies, args=None, config="", earlier=None) -> None:
        self.name, self.alg, self.file = name, alg, file
        self.signs, self.verifies, self.config = signs, verifies, config
        self.args = args or ["--from", "./source.txt"]
        self.earlier = earlier  # signs tokens that the set's other key verifies


def pem(key, form) -> str:
    return key.private_bytes(ser.Encoding.PEM, form, ser.NoEncryption()).decode()


def public(key) -> str:
    return key.public_key().public_bytes(ser.Encoding.PEM, ser.PublicFormat.SubjectPublicKeyInfo).decode()


def jwk(key, alg: str, kid: str) -> dict:
    return json.loads(HASHES[alg].to_jwk(key)) | {"kid": kid, "alg": alg}


def sources() -> list[Source]:
    text = secrets.token_urlsafe(32)
    raw = base64.b64encode(secrets.token_bytes(32)).decode()
    octet = {"kty": "oct", "k": secrets.token_urlsafe(32), "alg": "HS256", "kid": "2024-01"}
    new, old = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    curve, curve2, edwards = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
    one, two = jwk(new, "RS256", "2024-02"), jwk(old.public_key(), "RS256", "2024-01")
    pkcs1, pkcs8 = ser.PrivateFormat.TraditionalOpenSSL, ser.PrivateFormat.PKCS8
    pair = lambda name, alg, key, form: Source(name, alg, pem(key, form), ("pem", pem(key, form)), [("pem", public(key))])
    return [
        Source("HS256, a text in a .env", "HS256", f"PORT=3000\nJWT_SECRET={text}\n", ("text", text), [("text", text)], ["--from-env", "source.txt:JWT_SECRET"]),
        Source("HS256, base64 that is decoded", "HS256", raw + "\n", ("base64", raw), [("base64", raw)], config=", encoding: base64, secret_as: bytes"),
        Source("HS256, a JWK", "HS256", json.dumps(octet), ("jwk", octet), [("jwk", octet)]),
        Source("ES256, a JWK", "ES256", json.dumps(jwk(curve2, "ES256", "2024-03")), ("jwk", jwk(curve2, "ES256", "2024-03")),
               [("jwk", jwk(curve2.public_key(), "ES256", "2024-03"))]),
        Source("RS256, a JWK Set with a previous key", "RS256", json.dumps({"keys": [two, one]}), ("jwk", one),
               [("jwk", jwk(new.public_key(), "RS256", "2024-02")), ("jwk", two)], earlier=("jwk", jwk(old, "RS256", "2024-01"))),
        pair("RS256, PEM of PKCS #1", "RS256", rsa.generate_private_key(65537, 2048), pkcs1),
        pair("RS256, PEM of PKCS #8", "RS256", rsa.generate_private_key(65537, 2048), pkcs8),
        pair("ES256, PEM of SEC 1", "ES256", ec.generate_private_key(ec.SECP256R1()), pkcs1),
        pair("ES256, PEM of PKCS #8", "ES256", curve, pkcs8),
        pair("EdDSA, PEM of PKCS #8", "EdDSA", edwards, pkcs8),
    ]


class Place:
    """A folder with a config of one key."""

    def __init__(self, folder: str, source: Source) -> None:
        self.folder, self.source = pathlib.Path(folder), source
        (self.folder / "source.txt").write_text(source.file)
        (self.folder / "source.txt").chmod(0o600)
        (self.folder / "rotate.yaml").write_text(
            "environment: test\nstores: {disk: {type: file, dir: ./keys}}\n"
            f"keys: {{door: {{store: disk, propagation: 0s, algorithm: {source.alg}{source.config}}}}}\n")

    def run(self, *args: str) -> str:
        done = subprocess.run([ROTATE, *args], cwd=self.folder, capture_output=True, text=True)
        if done.returncode not in (0, 3):
            raise SystemExit(f"{self.source.name}: rotate {' '.join(args)}: {done.stderr}")
        return done.stdout

    def signs(self) -> list[tuple]:
        """The key that signs, as rotate gives it out: the value, and the JWK."""
        form = self.source.signs[0]
        first = json.loads(self.run("get", "door", "--format", "keyset"))["keys"][0]
        value = self.run("get", "door", "--format", "value").removesuffix("\n")
        if form == "jwk":
            return [("jwk", first)] + ([("pem", value)] if self.source.alg != "HS256" else [])
        return [(form, value), ("jwk", first)]

    def verifies(self) -> list[list[tuple]]:
        """All live keys, in each form that rotate gives them out in."""
        document = json.loads(self.run("get", "door", "--format", "keyset"))["keys"]
        if self.source.alg.startswith("HS"):
            texts = json.loads(self.run("get", "door", "--format", "list"))
            form = self.source.signs[0]
            return [[("jwk", k) for k in document]] + ([] if form == "jwk" else [[(form, t) for t in texts]])
        pems = self.run("get", "door", "--format", "pem").split("-----END PUBLIC KEY-----\n")
        jwks = json.loads(self.run("get", "door", "--format", "jwks"))["keys"]
        return [[("jwk", k) for k in jwks], [("pem", p + "-----END PUBLIC KEY-----\n") for p in pems if p.strip()]]


class Check:
    """What is asked, and how often it was answered."""

    def __init__(self, libraries: list[Library]) -> None:
        self.libraries, self.verified, self.refused = libraries, 0, 0

    def all(self, when: str, tokens: list[str], alg: str, keys: list[tuple], want: bool = True) -> None:
        """Every library verifies every token, or refuses it."""
        for library in self.libraries:
            for token in tokens:
                got = library.verify(token, alg, keys)
                if got is None:  # it does not read such keys
                    continue
                if got != want:
                    raise SystemExit(f"{when}: {library.name} {'refuses' if want else 'takes'} a token with keys of the form {keys[0][0]}")
                self.verified, self.refused = self.verified + want, self.refused + (not want)

    def signed(self, alg: str, forms: list[tuple]) -> list[str]:
        return [t for l in self.libraries for form, key in forms if (t := l.sign(alg, form, key))]


def life(check: Check, source: Source, others: list[tuple]) -> int:
    """Before it is adopted, after, and after each of two rotations."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder, source)
        before = check.signed(source.alg, [source.signs] + ([source.earlier] if source.earlier else []))
        check.all(f"{source.name}, before", before, source.alg, source.verifies)
        place.run("adopt", "door", *source.args)
        after = check.signed(source.alg, place.signs())
        check.all(f"{source.name}, adopted, by its own key", after, source.alg, source.verifies)
        tokens = before + after
        for when in ("adopted", "rotated once", "rotated twice"):
            for keys in place.verifies():
                check.all(f"{source.name}, {when}", tokens, source.alg, keys)
            check.all(f"{source.name}, {when}, by another key", tokens, source.alg, others, want=False)
            place.run("now", "door")
            tokens += check.signed(source.alg, place.signs())
        return len(tokens)


def main() -> None:
    libraries = [Library(name, command) for name, command in json.loads(sys.argv[2]).items()]
    check = Check(libraries)
    everything = sources()
    strangers = {s.alg: s.verifies for s in sources()}  # keys of nobody, to be refused
    for source in everything:
        had = check.verified, check.refused
        tokens = life(check, source, strangers[source.alg])
        print(f"{source.name}: {tokens} tokens; verified {check.verified - had[0]} times, refused with another key {check.refused - had[1]} times")
    print(f"{', '.join(l.name for l in libraries)}: {len(everything)} kinds of sources, {check.verified} verifications, {check.refused} refusals, none wrong")


main()
