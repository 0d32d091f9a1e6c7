"""Frameworks that read what a template of an output makes: what they signed or sealed
before a rotation, they take after it, until the key that made it is gone. Run by
e2e/door.sh; arguments: the rotate binary, and the folder of frameworks.mjs."""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

ROTATE, NODE = sys.argv[1:]

# The templates are those of docs/outputs.md.
TEMPLATES = {
    "keys.py": "SECRET_KEY = {{json .current.text}}\nSECRET_KEY_FALLBACKS = {{json .fallbackTexts}}\n",
    "texts.json": "{{json .texts}}",
    "better.env": "BETTER_AUTH_SECRETS={{range $i, $k := .keys}}{{if $i}},{{end}}{{$k.issued}}:{{$k.text}}{{end}}",
    "rails.yml": "shared:\n  secret_key_base: {{json .current.text}}\n  rotations: {{json .fallbackTexts}}\n",
}
TICKETS = {
    "current.key": "{{.current.bytes}}",
    "next.key": "{{with .next}}{{.bytes}}{{else}}{{$.current.bytes}}{{end}}",
    "previous.key": "{{with .previous}}{{.bytes}}{{else}}{{$.current.bytes}}{{end}}",
}

DJANGO = """
import runpy, sys
from django.conf import settings
keys = runpy.run_path(sys.argv[2])
settings.configure(SECRET_KEY=keys["SECRET_KEY"], SECRET_KEY_FALLBACKS=keys["SECRET_KEY_FALLBACKS"])
from django.core import signing
try:
    print(signing.dumps("door") if sys.argv[1] == "make" else "taken" if signing.loads(sys.argv[3]) == "door" else "refused")
except signing.BadSignature:
    print("refused")
"""

# An application of Rails, with a session in an encrypted cookie and a signed one beside it,
# and the other keys as rotations (guides.rubyonrails.org/security.html, "Rotating keys").
RAILS = """
require "rails"
require "action_controller/railtie"
require "rack/mock"
require "tmpdir"
require "yaml"
what, file, given = ARGV
shared = YAML.load_file(file)["shared"]
class Door < Rails::Application; end
Door.configure do
  config.root = Dir.mktmpdir
  config.eager_load = false
  config.hosts.clear
  config.logger = Logger.new(nil)
  config.load_defaults 6.1
  config.secret_key_base = shared["secret_key_base"]
  config.session_store :cookie_store, key: "door"
  config.action_dispatch.cookies_rotations.tap do |cookies|
    shared["rotations"].each do |old|
      keys = ActiveSupport::KeyGenerator.new(old, iterations: 1000)
      cookies.rotate :encrypted, keys.generate_key(config.action_dispatch.authenticated_encrypted_cookie_salt, ActiveSupport::MessageEncryptor.key_len)
      cookies.rotate :signed, keys.generate_key(config.action_dispatch.signed_cookie_salt)
    end
  end
end
class DoorController < ActionController::Base
  def make
    session[:user] = "door"
    cookies.signed[:mark] = "door"
    render plain: "made"
  end
  def read
    render plain: session[:user] == "door" && cookies.signed[:mark] == "door" ? "taken" : "refused"
  end
end
ENV["RAILS_ENV"] = "production"
Door.initialize!
Door.routes.draw { get "/make", to: "door#make"; get "/read", to: "door#read" }
request = Rack::MockRequest.new(Door)
answer = what == "make" ? request.get("/make") : request.get("/read", "HTTP_COOKIE" => given)
abort answer.body unless answer.ok?
puts what == "make" ? answer["Set-Cookie"].lines.map { |l| l.split(";").first.strip }.join("; ") : answer.body
"""

NGINX = """
daemon off; pid {dir}/nginx.pid; error_log stderr warn;
events {{}}
http {{
  access_log off;
  server {{
    listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.2; ssl_session_cache off;
    ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/cert.key;
    ssl_session_ticket_key {dir}/current.key; ssl_session_ticket_key {dir}/next.key; ssl_session_ticket_key {dir}/previous.key;
    location / {{ return 204; }}
  }}
}}
"""


class Nginx:
    """nginx with the keys of its tickets in three files. A session that it takes up
    again was sealed with one of them."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.dir = folder
        with socket() as s:
            self.port = s.getsockname()[1]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=door",
                        "-keyout", folder / "cert.key", "-out", folder / "cert.pem"], check=True, capture_output=True)
        (folder / "nginx.conf").write_text(NGINX.format(dir=folder, port=self.port))
        self.server = None

    def restart(self) -> None:
        self.stop()
        self.server = subprocess.Popen(["nginx", "-p", self.dir, "-c", "nginx.conf"], cwd=self.dir)
        for _ in range(100):
            if self.client(check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise SystemExit("nginx does not start")

    def stop(self) -> None:
        if self.server:
            self.server.terminate()
            self.server.wait()

    def client(self, *args, check=True):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-tls1_2", *args], input=b"Q\n", capture_output=True)
        if check and done.returncode:
            raise SystemExit(f"openssl s_client: {done.stderr.decode()}")
        return done

    def make(self) -> str:
        self.restart()
        path = self.dir / f"session-{time.monotonic_ns()}"
        self.client("-sess_out", path)
        return str(path)

    def read(self, session: str) -> str:
        self.restart()
        out = self.client("-sess_in", session).stdout
        return "taken" if b"Reused, TLSv1.2" in out else "refused"


def socket():
    import socket as net
    s = net.socket()
    s.bind(("127.0.0.1", 0))
    return s


class Program:
    """A framework in a program that begins anew for each call."""

    def __init__(self, command: list[str], after: str, file: pathlib.Path) -> None:
        self.command, self.after, self.file = command, after, file

    def call(self, what: str, *given: str) -> str:
        order = [self.after, what, str(self.file), *given] if self.after else [what, str(self.file), *given]
        done = subprocess.run([*self.command, *order], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(self.command[:1])} {self.after} {what}: {done.stderr}")
        return done.stdout.strip().splitlines()[-1]

    def make(self) -> str:
        return self.call("make")

    def read(self, made: str) -> str:
        return self.call("read", made)


def configure(folder: pathlib.Path) -> None:
    for path, text in (TEMPLATES | TICKETS).items():
        (folder / f"{path}.tmpl").write_text(text)
    outputs = lambda paths: ", ".join("{format: template, path: ./%s, template_file: ./%s.tmpl}" % (path, path) for path in paths)
    (folder / "rotate.yaml").write_text(
        "environment: test\nstores: {disk: {type: file, dir: ./keys}}\ndefaults: {store: disk, propagation: 0s}\nkeys:\n"
        f"  app: {{outputs: [{outputs(TEMPLATES)}]}}\n"
        f"  tickets: {{algorithm: opaque, bytes: 80, secret_as: bytes, outputs: [{outputs(TICKETS)}]}}\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        configure(folder)

        def rotate(*args: str) -> str:
            done = subprocess.run([ROTATE, *args], cwd=folder, capture_output=True, text=True)
            if done.returncode not in (0, 3):
                raise SystemExit(f"rotate {' '.join(args)}: {done.stderr}")
            return done.stdout

        def gone() -> None:
            for key, kid in first.items():
                rotate("revoke", key, kid, "--yes")

        node = lambda framework, file: Program(["node", NODE + "/frameworks.mjs"], framework, folder / file)
        nginx = Nginx(folder)
        frameworks = {
            "Django": Program([sys.executable, "-c", DJANGO], "", folder / "keys.py"),
            "Auth.js": node("auth.js", "texts.json"),
            "express-session": node("express-session", "texts.json"),
            "Better Auth, what it encrypts": node("better-auth encrypts", "better.env"),
            "Better Auth, its sessions": node("better-auth sessions", "better.env"),
            "Rails": Program(["ruby", "-e", RAILS, "--"], "", folder / "rails.yml"),
            "nginx session tickets": nginx,
        }
        # Better Auth checks its session cookies with the first secret alone.
        first_only = {"Better Auth, its sessions"}
        try:
            rotate("now", "--all")
            first = {key: json.loads(rotate("get", key, "--format", "keyset"))["keys"][0]["kid"] for key in ("app", "tickets")}
            made = {name: f.make() for name, f in frameworks.items()}
            time.sleep(1.1)  # Better Auth names keys by the second
            for when, act, want in (("before the rotation", lambda: None, "taken"), ("after it", lambda: rotate("now", "--all"), "taken"),
                                    ("after its key is gone", gone, "refused")):
                act()
                for name, f in frameworks.items():
                    expected = "refused" if name in first_only and not when.startswith("before") else want
                    if (got := f.read(made[name])) != expected:
                        raise SystemExit(f"{name}, {when}: {got}, want {expected}")
            for name, f in frameworks.items():
                print(f"{name}: {'every rotation ends it' if name in first_only else 'taken after a rotation'}, refused once its key is gone")
        finally:
            nginx.stop()


main()
