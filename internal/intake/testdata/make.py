#!/usr/bin/env python3
"""Makes corpus.json: sources of keys as consoles, command lines, operators and
frameworks leave them, each in the form that its maker documents, with what has to
become of it. Needs openssl 3, ssh-keygen and node. The keys are made for this
file and protect nothing. Run it beside corpus.json and read the difference.

What is expected is worked out here, not by the code under test: the digest of a
text, and of a pair the digest of its public half as openssl writes it."""

import base64
import hashlib
import json
import pathlib
import secrets
import subprocess
import tempfile

work = pathlib.Path(tempfile.mkdtemp())
PASS = "correct horse"
corpus = []


def run(*command, stdin=b""):
    return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout


def digest(data):
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


class Pair:
    def __init__(self, *options, alg=""):
        self.pem = run("openssl", "genpkey", "-quiet", *options).decode()
        self.alg = alg
        self.id = digest(run("openssl", "pkey", "-pubout", stdin=self.pem.encode()))
        self.public = run("openssl", "pkey", "-pubout", stdin=self.pem.encode()).decode()

    def to(self, *command):
        return run("openssl", *command, stdin=self.pem.encode()).decode()

    def ssh(self, passphrase=""):
        file = work / secrets.token_hex(4)
        file.write_text(self.to("pkey", "-traditional"))
        file.chmod(0o600)
        run("ssh-keygen", "-q", "-p", "-P", "", "-N", passphrase, "-f", str(file))
        return file.read_text()

    def jwk(self, private=True, **more):
        make = "Private" if private else "Public"
        script = f"process.stdout.write(JSON.stringify(require('crypto').create{make}Key(require('fs').readFileSync(0)).export({{format:'jwk'}})))"
        return {**json.loads(run("node", "-e", script, stdin=self.pem.encode())), **more}

    def private(self):
        return {"id": self.id, "alg": self.alg, "private": True}

    def verifies(self):
        return {"id": self.id, "alg": self.alg, "private": False}


def ssh_ed25519(passphrase=""):
    """ssh-keygen makes its own: it reads no PKCS #8 of Ed25519. RFC 8410 §4 has the public half."""
    file = work / secrets.token_hex(4)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(file))
    raw = base64.b64decode(file.with_suffix(".pub").read_text().split()[1])[-32:]
    spki = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + raw).decode()
    public = f"-----BEGIN PUBLIC KEY-----\n{spki}\n-----END PUBLIC KEY-----\n"
    return file.read_text(), {"id": digest(public), "alg": "EdDSA", "private": True}


def rsa(bits, alg="RS256"):
    return Pair("-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}", alg=alg)


def ec(curve, alg):
    return Pair("-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}", alg=alg)


R, R2 = rsa(2048), rsa(2048)
E, E2, E384, E521 = ec("P-256", "ES256"), ec("P-256", "ES256"), ec("P-384", "ES384"), ec("P-521", "ES512")
D, D2 = Pair("-algorithm", "ED25519", alg="EdDSA"), Pair("-algorithm", "ED25519", alg="EdDSA")
S, S2, S3 = (base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(3))
HEX, URL = secrets.token_hex(32), secrets.token_urlsafe(32)


def text(value, alg="HS256"):
    return {"id": digest(value), "alg": alg, "private": True}


def octets(data, alg="HS256"):
    return text(base64.urlsafe_b64encode(data).rstrip(b"=").decode(), alg)


def add(origin, source, *, keys=None, refused=None, notes=None, short=0, **ask):
    entry = {"origin": origin}
    if isinstance(source, dict):
        entry["fields"] = {k: base64.b64encode(v.encode()).decode() for k, v in source.items()}
    else:
        entry["text"] = base64.b64encode(source.encode() if isinstance(source, str) else source).decode()
    entry.update(ask)
    if refused:
        entry["refused"] = refused
    else:
        entry["keys"] = keys if isinstance(keys, list) else [keys]
        entry["notes"] = notes or []
        if short:
            entry["short"] = short
    corpus.append(entry)


def doc(value):
    return json.dumps(value, indent=2)


CUT, GT, GP = "line-end-cut", "guessed-text", "guessed-pair"

# --- texts
add("openssl rand -base64 32", S + "\n", keys=text(S), notes=[CUT, GT])
add("openssl rand -hex 32", HEX + "\n", keys=text(HEX), notes=[CUT, GT])
add("python -c 'secrets.token_urlsafe'", URL + "\n", keys=text(URL), notes=[CUT, GT])
add("node -p randomBytes, in the config as HS512", HEX * 2, keys=text(HEX * 2, "HS512"), algorithm="HS512")
add("a file without a line end", S, keys=text(S), notes=[GT])
add("a file of Windows", S + "\r\n", keys=text(S), notes=[CUT, GT])
add("django-admin startproject", "django-insecure-#8k2)z=x$w(n+5v@q!m&c-e^7r*t_y%h3", keys=text("django-insecure-#8k2)z=x$w(n+5v@q!m&c-e^7r*t_y%h3"), notes=[GT])
add("get_random_secret_key of Django", "k3x=9$w(n+5v@q!m&c-e^7r*t_y%h3#8z2)abcdefghijklmno", keys=text("k3x=9$w(n+5v@q!m&c-e^7r*t_y%h3#8z2)abcdefghijklmno"), notes=[GT])
add("rails secret", secrets.token_hex(64) + "\n", refused=None, keys=None, notes=[CUT, GT])
corpus[-1]["keys"] = [text(base64.b64decode(corpus[-1]["text"]).decode().strip())]
add("php artisan key:generate (APP_KEY)", "base64:" + S, keys=text("base64:" + S), notes=[GT, "other-forms"])
add("uuidgen", "7f1c2a34-9d5e-4c6b-8a70-1b2c3d4e5f60\n", keys=text("7f1c2a34-9d5e-4c6b-8a70-1b2c3d4e5f60"), notes=[CUT, GT])
add("a sentence", "correct horse battery staple and some more", keys=text("correct horse battery staple and some more"), notes=[GT])
add("a text with umlauts", "Schlüssel für die Anwendung: größer als zwölf", keys=text("Schlüssel für die Anwendung: größer als zwölf"), notes=[GT])
add("a key of an API, opaque", "sk_live_" + URL, keys=text("sk_live_" + URL, "opaque"), algorithm="opaque")
add("base64 that applications decode", S, keys=text(S), algorithm="HS256", bytes="base64")
add("hex that applications decode", HEX, keys=text(HEX), algorithm="HS256", bytes="hex")
add("base64url where base64 is set", URL, refused="other-encoding", algorithm="HS256", bytes="hex")
add("a text with a kid that tokens carry", S, keys={**text(S), "kid": "2024-03"}, kid="2024-03", notes=[GT])
add("as it stands: with its line end", S + "\n", keys=text(S + "\n"), asis=True, notes=[GT])
add("as it stands: quotes", '"' + S + '"', keys=text('"' + S + '"'), asis=True, notes=[GT])
add("as it stands: JSON", '{"a": "b"}', keys=text('{"a": "b"}'), asis=True, notes=[GT])
add("as it stands: a reference", "${JWT_SECRET}", keys=text("${JWT_SECRET}"), asis=True, notes=[GT])
add("an empty file", "", refused="empty")
add("an empty line", "\n", refused="empty")
add("blanks alone", "  \n", refused="empty")
add("a long text", "x" * 5000, refused="too-large")
add("random bytes", b"\xff\xfe\x00\x01" + bytes(range(200, 230)), refused="bom")
add("random bytes without a mark", bytes([7, 200, 201]) + secrets.token_bytes(0) + b"\xff" * 30, refused="binary")
add("a zero byte at the end, of C", S.encode() + b"\0", refused="binary")
add("DER of a private key", run("openssl", "pkey", "-outform", "DER", stdin=E.pem.encode()), refused="binary")
add("a kid that cannot be printed", S, refused="bad-kid", kid="a b")
add("--signs with a text", S, refused="no-such-signer", signs="a")

# --- damaged or wrapped texts
add("Notepad: UTF-8 with a mark", "\ufeff" + S, refused="bom")
add("PowerShell >: UTF-16", (S + "\r\n").encode("utf-16"), refused="bom")
add("copied from a web page: zero-width space", S + "\u200b", refused="unseen")
add("copied from a chat: no-break space inside", S[:9] + "\u00a0" + S[9:], refused="unseen")
add("copied from a PDF: soft hyphen", S[:9] + "\u00ad" + S[9:], refused="unseen")
add("copied from Word: right-to-left mark", "\u200f" + S, refused="unseen")
add("a tab inside", S[:9] + "\t" + S[9:], refused="unseen")
add("an escape sequence of a terminal", "\x1b[0m" + S, refused="unseen")
add("a leading blank", " " + S, refused="blanks")
add("a trailing blank", S + " ", refused="blanks")
add("a trailing blank before the line end", S + " \n", refused="blanks")
add("two line ends", S + "\n\n", refused="blanks")
add("two secrets", S + "\n" + S2 + "\n", refused="lines")
add("terraform output jwt", '"' + S + '"\n', refused="quoted")
add("a shell's quotes", "'" + S + "'", refused="quoted")
add("Python's bytes", "b'" + S + "'", refused="quoted")
add("curly quotes of a text processor", "\u201c" + S + "\u201d", refused="quoted")
add("backticks of Markdown", "`" + S + "`", refused="reference")
add("kubectl get secret -o jsonpath={.data.jwt}, of a text", base64.b64encode(b"my application's own secret").decode(), refused="wrapped")
add("kubectl get secret -o jsonpath, of hex", base64.b64encode(HEX.encode()).decode(), refused="wrapped")
add("kubectl get secret -o jsonpath, of a PEM", base64.b64encode(R.pem.encode()).decode(), refused="wrapped")
add("a variable with a PEM in base64, wrapped at 76", base64.encodebytes(E.pem.encode()).decode(), refused="wrapped")
add("a variable with a JWK Set in base64", base64.b64encode(json.dumps({"keys": [E.jwk()]}).encode()).decode(), refused="wrapped")

# --- not the value
for line in ["JWT_SECRET=" + S, "export JWT_SECRET=" + S, 'JWT_SECRET="' + S + '"', "jwt.secret=" + S, "spring.security.jwt.secret-key=" + S, "jwt_secret: " + S,
             'secret_key_base: "' + HEX + '"', "JWT_SECRET := " + S, "-e JWT_SECRET=" + S, "$env:JWT_SECRET = '" + S + "'", "set JWT_SECRET=" + S]:
    add("a line of a file: " + line.split(S)[0][:24], line + "\n", refused="assignment")
add("a .env on standard input", "PORT=3000\nJWT_SECRET=" + S + "\nDB_URL=postgres://x\n", refused="assignment")
for kind, value in {
    "1Password": "op://Private/jwt/password", "Bank-Vaults": "vault:secret/data/app#JWT_SECRET", "SOPS": "ENC[AES256_GCM,data:abc,iv:def,tag:ghi,type:str]",
    "AWS ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/jwt-AbCdEf", "AWS in China": "arn:aws-cn:secretsmanager:cn-north-1:1:secret:x",
    "Google": "projects/my-project/secrets/jwt/versions/latest", "Google, regional": "projects/p/locations/eu/secrets/jwt", "Berglas": "sm://my-project/jwt",
    "Azure App Service": "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/jwt/)", "Azure": "https://v.vault.azure.net/secrets/jwt/0123",
    "CloudFormation": "{{resolve:secretsmanager:prod/jwt:SecretString:key}}", "Compose": "${JWT_SECRET:?set it}", "a shell": "$JWT_SECRET", "a command": "$(cat /run/secrets/jwt)",
    "Kubernetes": "$(JWT_SECRET)", "GitHub Actions": "${{ secrets.JWT_SECRET }}", "Helm": "{{ .Values.jwt.secret }}", "External Secrets": '{{ .jwt | toString }}',
    "Ansible Vault": "$ANSIBLE_VAULT;1.1;AES256\n6638643965323633646262656665306435386230", "Windows": "%JWT_SECRET%", "Node": "process.env.JWT_SECRET", "Doppler": "doppler://jwt",
    "vals": "ref+vault://secret/app#/jwt", "Docker": "/run/secrets/jwt", "a home folder": "~/keys/jwt", "a connection": "postgres://app:pw@db/app", "ejson": "EJ[1:abc=:def=:ghi=]",
    "ERB": "<%= ENV['SECRET_KEY_BASE'] %>", "quoted Compose": '"${JWT_SECRET}"', "Transit": "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w==",
}.items():
    add("a reference of " + kind, value + "\n", refused="reference")
for kind, value in {"Terraform": "(sensitive value)", "Terraform apply": "(known after apply)", "Helm": "<no value>", "jq": "null", "JavaScript": "undefined", "Python": "None", "JavaScript's object": "[object Object]",
                    "Pulumi": "[secret]", "a log": "********", "kubectl describe": "32 bytes", "Go": "<nil>", "a boolean": "true"}.items():
    add("what stands for nothing: " + kind, value + "\n", refused="placeholder")
add("a token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijklmnopqrstuvwxyz", refused="token")
add("a header with a token", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", refused="token")
add("id_ed25519.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH0123456789012345678901234567890123456789abc me@host\n", refused="no-private")
add("application.yml of Spring", "app:\n  jwt:\n    secret: " + S + "\n", refused="assignment")
add("a manifest of Kubernetes", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\ndata:\n  a: " + S + "\n", refused="document")
add("vault kv get", "====== Data ======\nName     Value\n----     -----\njwt      abc\n", refused="document")
add("an INI file", "[jwt]\nx: y\n", refused="document")
add("PuTTY's format", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: x\n", refused="document")
add("Python's repr of a list", "['" + S + "', '" + S2 + "']", refused="broken")
add("Python's repr of a dict", "{'JWT_SECRET': '" + S + "'}", refused="broken")
add("Go's %v of a map", "map[JWT_SECRET:" + S + "]", refused="broken")
add("RSAKeyValue of .NET", "<RSAKeyValue><Modulus>abc</Modulus></RSAKeyValue>", refused="broken")
add("JSON that was cut", '{"JWT_SECRET": "' + S, refused="broken")
add("JSON5 with a trailing comma", '{"JWT_SECRET": "x",}', refused="broken")

# --- JSON of consoles, command lines and frameworks
one, two = {"JWT_SECRET": S}, {"JWT_SECRET": S, "DB_PASSWORD": "x", "PORT": 5432, "TLS": True, "NONE": None}
add("AWS console, one key/value pair", doc(one), refused="object")
add("AWS console, key/value pairs", doc(two), refused="object")
add("AWS console, the named member", doc(two), field="JWT_SECRET", keys=text(S), notes=[GT])
add("AWS console, a member that is not there", doc(two), field="JWT", refused="no-such-member")
add("a number chosen", doc(two), field="PORT", refused="not-a-text")
add("true chosen", doc(two), field="TLS", refused="not-a-text")
add("null chosen", doc(two), field="NONE", refused="not-a-text")
add("a member twice", '{"JWT_SECRET": "a", "JWT_SECRET": "b"}', field="JWT_SECRET", refused="member-twice")
add("a member of a text", S, field="JWT_SECRET", refused="no-members")
add("aws secretsmanager get-secret-value", doc({"ARN": "arn:aws:x", "Name": "prod/jwt", "SecretString": S, "VersionStages": ["AWSCURRENT"]}), refused="object")
add("… its SecretString", doc({"ARN": "arn:aws:x", "SecretString": S}), field="SecretString", keys=text(S), notes=[GT])
add("… JSON in its SecretString", doc({"SecretString": json.dumps(two)}), field="SecretString.JWT_SECRET", keys=text(S), notes=[GT])
add("… JSON in its SecretString, all of it", doc({"SecretString": json.dumps(two)}), field="SecretString", refused="object")
add("Terraform jsonencode, nested", doc({"jwt": {"secret": S, "issuer": "x"}}), field="jwt.secret", keys=text(S), notes=[GT])
add("terraform output -json", doc({"jwt": {"sensitive": True, "type": "string", "value": S}}), field="jwt.value", keys=text(S), notes=[GT])
add("terraform output -json, whole", doc({"jwt": {"sensitive": True, "type": "string", "value": S}}), refused="object")
add("appsettings.json of .NET", doc({"Jwt": {"Key": S, "Issuer": "x"}, "AllowedHosts": "*"}), field="Jwt.Key", keys=text(S), notes=[GT])
add("appsettings.json, a name with a dot", doc({"Jwt.Key": S}), field="Jwt.Key", keys=text(S), notes=[GT])
add("az keyvault secret show", doc({"id": "https://v.vault.azure.net/secrets/jwt/1", "value": S}), field="value", keys=text(S), notes=[GT])
add("az keyvault secret show, whole", doc({"id": "https://v.vault.azure.net/secrets/jwt/1", "value": S}), refused="object")
add("gcloud secrets versions access", S, keys=text(S), notes=[GT])
add("gcloud … --format=json", doc({"name": "projects/1/secrets/jwt/versions/1", "payload": {"data": base64.b64encode(S.encode()).decode(), "dataCrc32c": "1"}}), field="payload.data", refused="encoded-member")
add("kubectl get secret -o json", doc({"apiVersion": "v1", "kind": "Secret", "data": {"JWT_SECRET": base64.b64encode(S.encode()).decode()}}), field="data.JWT_SECRET", refused="encoded-member")
add("a manifest in JSON with stringData", doc({"apiVersion": "v1", "kind": "Secret", "stringData": {"JWT_SECRET": S}}), field="stringData.JWT_SECRET", keys=text(S), notes=[GT])
add("vault kv get -format=json", doc({"data": {"data": {"JWT_SECRET": S}, "metadata": {"version": 1}}}), field="data.data.JWT_SECRET", keys=text(S), notes=[GT])
add("sops -e of JSON", doc({"jwt": "ENC[AES256_GCM,data:x]", "sops": {"mac": "x"}}), field="jwt", refused="reference")
add("op item get --format json", doc({"fields": [{"id": "password", "value": S}]}), field="fields.0.value", keys=text(S), notes=[GT])
add("a service account of Google", doc({"type": "service_account", "private_key_id": "abc", "private_key": R.pem}), refused="object")
add("… its key", doc({"type": "service_account", "private_key_id": "abc", "private_key": R.pem}), field="private_key", keys=R.private(), notes=[GP])
add("a member that is quoted once more", doc({"jwt": '"' + S + '"'}), field="jwt", refused="quoted")
add("a member with a line end", doc({"jwt": S + "\n"}), field="jwt", keys=text(S), notes=[CUT, GT])
add("a member that is empty", doc({"jwt": ""}), field="jwt", refused="empty")
add("a member that is an object", doc({"jwt": {"a": "b"}}), field="jwt", refused="object")

# --- secrets of fields
add("Vault, one field", {"value": S}, keys=text(S), notes=["one-field", GT])
add("Vault, several fields", {"jwt": S, "db": "x"}, refused="several-fields")
add("Vault, the named field", {"jwt": S, "db": "x"}, field="jwt", keys=text(S), notes=[GT])
add("Vault, a field that is not there", {"jwt": S, "db": "x"}, field="JWT", refused="no-such-member")
add("Vault, JSON in a field", {"app": json.dumps({"jwt": S})}, field="app.jwt", keys=text(S), notes=[GT])
add("Vault, no field", {}, refused="empty")
add("Kubernetes, one data key with a dot", {"jwt.pem": E.pem}, keys=E.private(), notes=["one-field", GP])
add("Kubernetes, a data key with a dot", {"jwt.pem": E.pem, "tls.crt": "x"}, field="jwt.pem", keys=E.private(), notes=[GP])
add("Kubernetes, kubernetes.io/tls", {"tls.crt": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "tls.key": R.pem}, field="tls.key", keys=R.private(), notes=[GP])
add("Kubernetes, created with a file that ends in a line end", {"secret": S + "\n"}, keys=text(S), notes=["one-field", CUT, GT])
add("Kubernetes, the one field is JSON", {"config.json": doc(two)}, refused="object")

# --- lists
GF = "first-signs"
add("AUTH_SECRET of NextAuth, a list", json.dumps([S, S2]), keys=[text(S), text(S2)], notes=[GT, GF])
add("SECRET_KEY and its fallbacks of Django, as a list", json.dumps([S, S2, S3]), keys=[text(S), text(S2), text(S3)], algorithm="HS256", notes=[GF])
add("secrets of express-session, one", json.dumps([S]), keys=text(S), notes=[GT])
add("a list with one text twice", json.dumps([S, S2, S]), keys=[text(S), text(S2)], notes=[GT, "same-again", GF])
add("a list in a member", doc({"secrets": [S, S2], "x": 1}), field="secrets", keys=[text(S), text(S2)], notes=[GT, GF])
add("one of a list", json.dumps([S, S2]), field="1", keys=text(S2), notes=[GT])
add("an empty list", "[]", refused="empty")
add("a list of nine", json.dumps([secrets.token_hex(16) for _ in range(9)]), refused="too-many")
add("a list with a number", json.dumps([S, 1]), refused="not-texts")
add("a list with an object", json.dumps([S, {"a": "b"}]), refused="not-texts")
add("a list of lists", json.dumps([[S]]), refused="not-texts")
add("a list with a reference in it", json.dumps([S, "${OLD}"]), refused="reference")
add("a list with an empty text", json.dumps([S, ""]), refused="empty")
add("a list of PEMs", json.dumps([E.pem, E2.pem]), keys=[E.private(), E2.verifies()], notes=[GP, GF])
add("a list of texts and PEMs", json.dumps([S, E.pem]), refused="mixed")
add("a list of texts, 16 KB", json.dumps([secrets.token_hex(2000) for _ in range(5)]), refused="too-large")
add("--signs with a list", json.dumps([S, S2]), signs="x", refused="no-such-signer")

# --- JWKs
add("jose exportJWK of Node, EC", json.dumps(E.jwk()), keys=E.private(), notes=[GP])
add("jose exportJWK of Node, RSA", json.dumps(R.jwk()), keys=R.private(), notes=[GP])
add("jose exportJWK of Node, Ed25519", json.dumps(D.jwk()), keys=D.private(), notes=[GP])
add("mkjwk, EC with kid, use and alg", doc(E.jwk(kid="sig-2024", use="sig", alg="ES256")), keys={**E.private(), "kid": "sig-2024"})
add("mkjwk, P-384", doc(E384.jwk(use="sig", alg="ES384", kid="k")), keys={**E384.private(), "kid": "k"})
add("mkjwk, P-521", doc(E521.jwk(use="sig", alg="ES512", kid="k")), keys={**E521.private(), "kid": "k"})
add("mkjwk, oct", doc({"kty": "oct", "kid": "k", "alg": "HS256", "k": URL}), keys={**text(URL), "kid": "k"}, notes=["decoded-bytes"])
add("python jwcrypto, oct without alg", doc({"kty": "oct", "k": URL}), keys=text(URL), notes=[GT, "decoded-bytes"])
add("a JWK with its dates", doc(E.jwk(iat=1, nbf=2, exp=3)), keys=E.private(), notes=["dates-ignored", GP])
add("a JWK with a certificate", doc(R.jwk(alg="RS256", x5c=["abc"], x5t="x")), keys=R.private())
add("an RSA JWK for PS256", doc(R.jwk(alg="PS256")), keys={**R.private(), "alg": "PS256"})
add("an RSA JWK of n, e and d alone", doc({k: v for k, v in R.jwk().items() if k in ("kty", "n", "e", "d")}), keys=R.private(), notes=[GP])
add("a JWK in a member", doc({"app": {"jwk": E.jwk(kid="k")}}), field="app.jwk", keys={**E.private(), "kid": "k"}, notes=[GP])
add("a JWK as a text in a member", doc({"JWK": json.dumps(E.jwk(kid="k"))}), field="JWK", keys={**E.private(), "kid": "k"}, notes=[GP])
add("a JWK with --kid", doc(E.jwk()), kid="mine", keys={**E.private(), "kid": "mine"}, notes=[GP])
add("a JWK with another --kid", doc(E.jwk(kid="its")), kid="mine", refused="other-kid")
add("a JWK of another algorithm than the config's", doc(E.jwk(alg="ES256")), algorithm="RS256", refused="other-algorithm")
add("a JWK without alg, RSA where ES256 is set", doc(R.jwk()), algorithm="ES256", refused="other-algorithm")
add("oct where ES256 is set", doc({"kty": "oct", "k": URL}), algorithm="ES256", refused="needs-pair")
add("an EC JWK where HS256 is set", doc(E.jwk()), algorithm="HS256", refused="needs-text")
add("a public JWK", doc(E.jwk(private=False, kid="k")), refused="only-public")
add("an encryption key, use", doc(R.jwk(use="enc", kid="k")), refused="not-for-signing")
add("an encryption key, alg", doc(R.jwk(alg="RSA-OAEP-256")), refused="not-for-signing")
add("an encryption key, key_ops of WebCrypto", doc(R.jwk(key_ops=["decrypt"])), refused="not-for-signing")
add("an encryption key, X25519", doc({"kty": "OKP", "crv": "X25519", "x": URL, "d": URL}), refused="not-for-signing")
add("a signing key of WebCrypto", doc(E.jwk(key_ops=["sign"], ext=True)), keys=E.private(), notes=[GP])
add("ES256K of a wallet", doc({"kty": "EC", "crv": "secp256k1", "x": URL, "y": URL, "d": URL}), refused="unknown-key")
add("ES256K by its alg", doc({"kty": "EC", "crv": "secp256k1", "alg": "ES256K", "x": URL, "y": URL, "d": URL}), refused="unknown-algorithm")
add("an unknown kty", doc({"kty": "AKP", "alg": "ML-DSA-44", "pub": "x"}), refused="unknown-algorithm")
add("a JWK without y", doc({k: v for k, v in E.jwk().items() if k != "y"}), refused="bad-jwk")
add("a JWK with another key's d", doc({**E.jwk(), "d": E2.jwk()["d"]}), refused="bad-jwk")
add("an Ed25519 JWK with another key's d", doc({**D.jwk(), "d": D2.jwk()["d"]}), refused="bad-jwk")
add("an RSA JWK with another key's d", doc({**R.jwk(), "d": R2.jwk()["d"]}), refused="bad-jwk")
add("an oct JWK without k", doc({"kty": "oct", "alg": "HS256"}), refused="bad-jwk")
add("an oct JWK with a k that is not base64url", doc({"kty": "oct", "k": "a b+/="}), refused="bad-jwk")
add("a kid with blanks", doc(E.jwk(kid="my key")), refused="bad-kid")
add("a JWK with a member twice", '{"kty":"oct","k":"' + URL + '","k":"' + URL + '"}', refused="member-twice")

# --- JWK Sets
HD = "halves-dropped"
add("a JWK Set of one", doc({"keys": [E.jwk(kid="a")]}), keys={**E.private(), "kid": "a"}, notes=[GP])
add("Spring Authorization Server: one private, one public", doc({"keys": [E.jwk(private=False, kid="old", alg="ES256"), E2.jwk(kid="new", alg="ES256")]}),
    keys=[{**E2.private(), "kid": "new"}, {**E.verifies(), "kid": "old"}])
add("Ory Hydra: two private keys", doc({"keys": [E.jwk(kid="a", alg="ES256"), E2.jwk(kid="b", alg="ES256")]}), refused="several-signers")
add("Ory Hydra, --signs", doc({"keys": [E.jwk(kid="a", alg="ES256"), E2.jwk(kid="b", alg="ES256")]}), signs="b", keys=[{**E2.private(), "kid": "b"}, {**E.verifies(), "kid": "a"}], notes=[HD])
add("Ory Hydra, --signs another", doc({"keys": [E.jwk(kid="a", alg="ES256"), E2.jwk(kid="b", alg="ES256")]}), signs="c", refused="no-such-signer")
add("--signs a public key", doc({"keys": [E.jwk(private=False, kid="a", alg="ES256"), E2.jwk(kid="b", alg="ES256")]}), signs="a", refused="no-such-signer")
add("oidc-provider: RSA without kids", doc({"keys": [R.jwk(alg="RS256"), R2.jwk(private=False, alg="RS256")]}), keys=[R.private(), R2.verifies()])
add("oct keys, --signs", doc({"keys": [{"kty": "oct", "kid": "1", "alg": "HS256", "k": URL}, {"kty": "oct", "kid": "2", "alg": "HS256", "k": HEX}]}), signs="2",
    keys=[{**text(HEX), "kid": "2"}, {**text(URL), "kid": "1"}], notes=["decoded-bytes"])
add("oct keys, two that sign", doc({"keys": [{"kty": "oct", "kid": "1", "k": URL}, {"kty": "oct", "kid": "2", "k": HEX}]}), refused="several-signers")
add("a list of JWKs", doc([E.jwk(kid="a", alg="ES256"), E2.jwk(private=False, kid="b", alg="ES256")]), keys=[{**E.private(), "kid": "a"}, {**E2.verifies(), "kid": "b"}])
add("https://…/.well-known/jwks.json", doc({"keys": [E.jwk(private=False, kid="a"), E2.jwk(private=False, kid="b")]}), refused="only-public")
add("Keycloak: one for encryption among them", doc({"keys": [R.jwk(kid="a", use="sig", alg="RS256"), R2.jwk(private=False, kid="b", use="enc", alg="RSA-OAEP")]}), refused="not-for-signing")
add("mixed kinds", doc({"keys": [R.jwk(kid="a", alg="RS256"), E.jwk(private=False, kid="b", alg="ES256")]}), refused="mixed")
add("one kid twice", doc({"keys": [E.jwk(kid="a", alg="ES256"), E2.jwk(private=False, kid="a", alg="ES256")]}), refused="kid-twice")
add("nine keys", doc({"keys": [{"kty": "oct", "kid": str(i), "k": URL} for i in range(9)]}), refused="too-many")
add("--kid with a set", doc({"keys": [E.jwk(kid="a", alg="ES256"), E2.jwk(private=False, kid="b", alg="ES256")]}), kid="c", refused="kid-for-set")
add("another algorithm than the config's", doc({"keys": [E.jwk(kid="a", alg="ES256")]}), algorithm="ES384", refused="other-algorithm")
add("a set that is empty", doc({"keys": []}), refused="object")
add("keys that are no JWKs", doc({"keys": [S, S2]}), refused="object")

# --- PEM
OF = "other-form"
add("openssl genpkey, RSA", R.pem, keys=R.private(), notes=[GP])
add("openssl genpkey, P-256", E.pem, keys=E.private(), notes=[GP])
add("openssl genpkey, P-384", E384.pem, keys=E384.private(), notes=[GP])
add("openssl genpkey, P-521", E521.pem, keys=E521.private(), notes=[GP])
add("openssl genpkey, Ed25519", D.pem, keys=D.private(), notes=[GP])
add("Ed25519 for the newer name", D.pem, algorithm="Ed25519", keys={**D.private(), "alg": "Ed25519"})
add("openssl genrsa -traditional (PKCS #1)", R.to("rsa", "-traditional"), keys=R.private(), notes=[GP, OF])
add("openssl ecparam -genkey (SEC 1 after its parameters)", run("openssl", "ecparam", "-name", "prime256v1").decode() + E.to("ec"), keys=E.private(), notes=[GP, OF])
add("openssl ec (SEC 1)", E384.to("ec"), keys=E384.private(), notes=[GP, OF])
for name, options in {"PBKDF2 and AES": ["-v2", "aes-256-cbc"], "PBKDF2 and 3DES": ["-v2", "des3"], "scrypt": ["-scrypt"], "PBKDF2 with SHA-1": ["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"]}.items():
    pem = E.to("pkcs8", "-topk8", *options, "-passout", "pass:" + PASS)
    add(f"openssl pkcs8 -topk8, {name}", pem, passphrase=PASS, keys=E.private(), notes=[GP, OF])
add("encrypted PKCS #8, no one to ask", pem, refused="needs-passphrase")
add("encrypted PKCS #8, the wrong passphrase", pem, passphrase="wrong", refused="wrong-passphrase")
add("encrypted PKCS #8, an empty passphrase", pem, passphrase="", refused="wrong-passphrase")
add("openssl pkcs8 -v1 PBE-SHA1-3DES", E.to("pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", "pass:" + PASS), passphrase=PASS, refused="unknown-cipher")
add("openssl genrsa -aes256 of 1.x (legacy PEM)", R.to("rsa", "-traditional", "-aes256", "-passout", "pass:" + PASS), passphrase=PASS, keys=R.private(), notes=[GP, OF])
add("openssl ec -des3 (legacy PEM)", E.to("ec", "-des3", "-passout", "pass:" + PASS), passphrase=PASS, keys=E.private(), notes=[GP, OF])
add("legacy PEM, no one to ask", E.to("ec", "-aes128", "-passout", "pass:" + PASS), refused="needs-passphrase")
add("legacy PEM, the wrong passphrase", E.to("ec", "-aes128", "-passout", "pass:" + PASS), passphrase="wrong", refused="wrong-passphrase")
for phrase in ["", PASS]:
    pem, want = ssh_ed25519(phrase)
    add("ssh-keygen -t ed25519" + (", with a passphrase" if phrase else ""), pem, keys=want, notes=[GP, OF], **({"passphrase": phrase} if phrase else {}))
for name, pair in {"rsa": R, "ecdsa": E}.items():
    add(f"ssh-keygen -t {name}", pair.ssh(), keys=pair.private(), notes=[GP, OF])
    add(f"ssh-keygen -t {name}, with a passphrase", pair.ssh(PASS), passphrase=PASS, keys=pair.private(), notes=[GP, OF])
add("ssh-keygen, no one to ask", E.ssh(PASS), refused="needs-passphrase")
add("ssh-keygen, the wrong passphrase", E.ssh(PASS), passphrase="wrong", refused="wrong-passphrase")
add("a PEM of Windows", E.pem.replace("\n", "\r\n"), keys=E.private(), notes=[GP])
add("a PEM without its last line end", E.pem.strip(), keys=E.private(), notes=[GP])
add("a PEM with \\n in a variable", E.pem.replace("\n", "\\n"), keys=E.private(), notes=[GP, "escaped-lines"])
add("a PEM with \\n and a line end after it", E.pem.strip().replace("\n", "\\n") + "\n", keys=E.private(), notes=[GP, "escaped-lines"])
add("a PEM indented as in YAML", "    " + E.pem.strip().replace("\n", "\n    ") + "\n", keys=E.private(), notes=[GP])
add("a PEM in quotes", '"' + E.pem.replace("\n", "\\n") + '"', refused="quoted")
add("a PEM whose line ends became blanks", E.pem.replace("\n", " "), refused="damaged-pem")
add("a PEM that was cut", E.pem[:120], refused="damaged-pem")
add("a PEM with bag attributes", "Bag Attributes\n    friendlyName: jwt\nKey Attributes: <No Attributes>\n" + E.pem, keys=E.private(), notes=[GP])
cert = run("openssl", "req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=test", "-days", "1", stdin=E.pem.encode()).decode()
add("a key with its certificate", cert + E.pem, keys=E.private(), notes=[GP, "passed-over"])
add("a certificate alone", cert, refused="no-private")
add("a public key", E.public, refused="no-private")
add("two private keys", E.pem + E2.pem, refused="several-private")
add("a PEM that holds no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", refused="unknown-key")
add("a message of PGP", "-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n", refused="no-private")
add("a file of age", "-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n-----END AGE ENCRYPTED FILE-----\n", refused="no-private")
add("P-224", ec("P-224", "").pem, refused="unknown-key")
add("secp256k1", ec("secp256k1", "").pem, refused="unknown-key")
add("X25519", run("openssl", "genpkey", "-algorithm", "X25519").decode(), refused="unknown-key")
add("Ed448", run("openssl", "genpkey", "-algorithm", "ED448").decode(), refused="unknown-key")
add("RSA-PSS", run("openssl", "genpkey", "-quiet", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048").decode(), refused="unknown-key")
short = rsa(1024)
add("RSA of 1024 bits", short.pem, keys=short.private(), notes=[GP], short=1)
add("RSA of 1024 bits, PKCS #1", short.to("rsa", "-traditional"), keys=short.private(), notes=[GP, OF], short=1)
add("RSA of 1024 bits, a JWK", doc(short.jwk()), keys=short.private(), notes=[GP], short=1)
tiny = rsa(768)
add("RSA of 768 bits", tiny.pem, refused="short-rsa")
add("RSA of 768 bits, a JWK", doc(tiny.jwk()), refused="short-rsa")
add("an RSA PEM where ES256 is set", R.pem, algorithm="ES256", refused="other-algorithm")
add("a P-256 PEM where ES384 is set", E.pem, algorithm="ES384", refused="other-algorithm")
add("a PEM where HS256 is set", R.pem, algorithm="HS256", refused="needs-text")
add("a text where RS256 is set", S, algorithm="RS256", refused="needs-pair")
add("a PEM with a kid", E.pem, kid="2024-03", keys={**E.private(), "kid": "2024-03"}, notes=[GP])
add("a PEM whose kid another key has", E.pem, kid="taken", refused="kid-taken")
add("a PEM with --signs", E.pem, kid="a", signs="b", refused="no-such-signer")

# --- what a second look at consoles and frameworks found
for origin, value in {
    "wp-config.php": "define('AUTH_KEY', 'k3x=9w(n+5v@q!m&c-e^7r*t_y%h3');", "Symfony's parameter": "%env(APP_SECRET)%",
    "dotenvx": "encrypted:BD9XY" + "A" * 60, "Jasypt": "ENC(G6N718UuyPE5bHyWKyuLQSm02auQPUtm)",
    "Spring Cloud Config": "{cipher}682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda",
    "ConvertFrom-SecureString": "01000000d08c9ddf0115d1118c7a00c04fc297eb01000000", "aws kms encrypt": "AQICAH" + "h" * 120,
    "Fernet, as Airflow stores variables": "gAAAAABh" + "h" * 100, "CloudFormation's Ref": "!Ref JwtSecret", "Home Assistant's tag": "!secret jwt",
    "Octopus Deploy": "#{JwtSecret}", "a token of Azure Pipelines": "#{JwtSecret}#",
}.items():
    add(origin, value, refused="assignment" if "define" in value else "reference")
for origin, value in {
    "bcrypt": "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234", "htpasswd": "app:$apr1$abcdefgh$ABCDEFGHIJKLMNOPQRSTUV",
    "argon2": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g",
}.items():
    add(origin, value, refused="hashed")
add("a SealedSecret", doc({"kind": "SealedSecret", "spec": {"encryptedData": {"jwt": "AgBy8hCF8nZ" + "A" * 80}}}), field="spec.encryptedData.jwt", refused="reference")
def close_primes():
    """An RSA key in a JWK whose primes are closer than FIPS 186-5 allows."""
    prime = lambda n: b"is prime" in run("openssl", "prime", str(n))
    p = int(run("openssl", "prime", "-generate", "-bits", "512").decode())
    q = p + 2 ** 300
    while not prime(q):
        q += 2
    d = pow(65537, -1, (p - 1) * (q - 1))
    number = lambda n: base64.urlsafe_b64encode(n.to_bytes((n.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
    parts = {"n": p * q, "e": 65537, "d": d, "p": p, "q": q, "dp": d % (p - 1), "dq": d % (q - 1), "qi": pow(q, -1, p)}
    return {"kty": "RSA", **{name: number(v) for name, v in parts.items()}}


add("RSA with close primes, a JWK", doc(close_primes()), refused="close-primes")
add("a hash of a password, as it stands", "$2b$12$abcdefghijklmnopqrstuu", keys=text("$2b$12$abcdefghijklmnopqrstuu"), asis=True, notes=[GT])

for entry in corpus:
    if entry.get("keys"):
        entry["notes"] = sorted(entry["notes"])
pathlib.Path(__file__).with_name("corpus.json").write_text(json.dumps(corpus, indent=1, ensure_ascii=True) + "\n")
print(len(corpus), "sources")
