"""One Secret that three keys share, and one ConfigMap, on the real API server: ten rotations
of each key, while a person edits the rest as fast as kubectl goes. Nothing of theirs is
lost, what they edit makes no revision of a key's part, so no wait begins anew, and the Role
of the documentation is enough. Run by e2e/kube.sh;
arguments: the page that has the Role, the folder of the work, and kubectl."""

import base64
import json
import pathlib
import re
import subprocess
import sys
import threading
import time

PAGE, WORK, KUBECTL = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
ROTATIONS = 10
CONFIG = """environment: test
stores:
  disk: {{type: file, dir: {work}/shared-keys}}
  cluster: {{type: kubernetes, kubeconfig: {work}/sharer.kubeconfig, context: e2e, namespace: shared, labels: {{team: platform}}}}
  public: {{type: kubernetes, kind: ConfigMap, kubeconfig: {work}/sharer.kubeconfig, context: e2e, namespace: shared}}
defaults: {{store: disk, propagation: 0s, grace: 1s, grace_bounds: {{min: 0s}}}}
keys:
  auth: {{outputs: [{{store: cluster, secret: shop, format: env, labels: {{app: shop}}}}]}}
  mail: {{outputs: [{{store: cluster, secret: shop, format: value, data_key: MAIL_SECRET}}]}}
  mobile:
    algorithm: ES256
    outputs:
      - {{store: cluster, secret: shop, format: value, data_key: mobile.pem}}
      - {{store: public, secret: shop-keys, format: jwks, data_key: jwks.json}}
"""


def kubectl(*args: str, **options) -> str:
    return subprocess.run([KUBECTL, f"--kubeconfig={WORK}/admin.kubeconfig", *args], check=True, capture_output=True, text=True, **options).stdout


def rotate(*args: str) -> str:
    done = subprocess.run([WORK / "rotate", *args, "-c", WORK / "shared.yaml"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"rotate {' '.join(args)}: {done.returncode} {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def account() -> None:
    """A service account that has the Role of the page, for these names."""
    rules = re.search(r"```yaml\n(apiVersion: rbac.*?)```", PAGE.read_text(), re.S)[1]
    more = re.search(r"```yaml\n(- \{apiGroups: \[\"\"\], resources: \[configmaps\].*?)```", PAGE.read_text(), re.S)[1]
    role = rules.replace("\n---", "\n" + more + "---", 1).replace("namespace: shop", "namespace: shared").replace("production-auth-jwt", "shop")
    kubectl("create", "namespace", "shared")
    kubectl("-n", "shared", "create", "serviceaccount", "rotate")
    kubectl("apply", "-f", "-", input=role)
    token = kubectl("-n", "shared", "create", "token", "rotate").strip()
    admin = (WORK / "admin.kubeconfig").read_text()
    (WORK / "sharer.kubeconfig").write_text(re.sub("token: [^}]+", f"token: {token}", admin))


class Person(threading.Thread):
    """Changes a data key, a label and an annotation of the Secret and a data key of the
    ConfigMap, and has read what it wrote before."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.done, self.edits, self.lost = False, 0, ""

    def run(self) -> None:
        while not self.done and not self.lost:
            for kind, name in (("secret", "shop"), ("configmap", "shop-keys")):
                object = json.loads(kubectl("-n", "shared", "get", kind, name, "-o", "json"))
                text = object["data"]["PERSON"]
                has = (base64.b64decode(text).decode() if kind == "secret" else text, object["metadata"]["labels"]["person"], object["metadata"]["annotations"]["person"])
                if has != (f"n{self.edits}",) * 3 or object["data"]["LEFT"] not in ("bGVmdA==", "left"):
                    self.lost = f"{kind}: {has} after {self.edits} edits"
                    return
            self.edits += 1
            write(self.edits)


def write(n: int) -> None:
    for kind, name, field in (("secret", "shop", "stringData"), ("configmap", "shop-keys", "data")):
        patch = {"metadata": {"labels": {"person": f"n{n}"}, "annotations": {"person": f"n{n}"}}, field: {"PERSON": f"n{n}"}}
        kubectl("-n", "shared", "patch", kind, name, "--type=merge", "-p", json.dumps(patch))


def data(kind: str, name: str) -> dict:
    return json.loads(kubectl("-n", "shared", "get", kind, name, "-o", "json"))["data"]


def revisions() -> dict:
    """The id of the last write of each part."""
    found = {}
    for kind, name in (("secret", "shop"), ("configmap", "shop-keys")):
        for key, text in json.loads(kubectl("-n", "shared", "get", kind, name, "-o", "json"))["metadata"]["annotations"].items():
            if key.startswith("keyrotate.github.io/part."):
                found[name + " " + key] = json.loads(text)["write"]
    return found


def main() -> None:
    account()
    (WORK / "shared.yaml").write_text(CONFIG.format(work=WORK))
    kubectl("-n", "shared", "create", "secret", "generic", "shop", "--from-literal=LEFT=left")
    kubectl("-n", "shared", "create", "configmap", "shop-keys", "--from-literal=LEFT=left")
    for _ in range(150):  # until the authorizer has heard of the Role
        if subprocess.run([WORK / "rotate", "validate", "--probe", "-c", WORK / "shared.yaml"], capture_output=True).returncode == 0:
            break
        time.sleep(0.2)
    said = rotate("validate", "--probe")
    if "may do more" in said or "too many" in said:
        raise SystemExit(f"the Role of the page has rights too many: {said}")
    write(0)
    rotate("now", "--all")
    person = Person()
    person.start()
    for n in range(ROTATIONS):
        rotate("now", "--all")
        secret = {k: base64.b64decode(v).decode() for k, v in data("secret", "shop").items()}
        for field, key in (("JWT_SECRET", "auth"), ("MAIL_SECRET", "mail"), ("mobile.pem", "mobile")):
            if secret[field].strip() != rotate("get", key, "--format", "value").strip():
                raise SystemExit(f"after {n + 1} rotations {field} is not what signs")
        published = {k["kid"] for k in json.loads(data("configmap", "shop-keys")["jwks.json"])["keys"]}
        wanted = {k["kid"] for k in json.loads(rotate("get", "mobile", "--format", "jwks"))["keys"]}
        if published != wanted:
            raise SystemExit(f"after {n + 1} rotations the ConfigMap has {published}, not {wanted}")
    person.done = True
    person.join()
    if person.lost or person.edits < ROTATIONS:
        raise SystemExit(f"lost: {person.lost}; {person.edits} edits")
    labels = json.loads(kubectl("-n", "shared", "get", "secret", "shop", "-o", "json"))["metadata"]["labels"]
    if (labels["team"], labels["app"]) != ("platform", "shop"):
        raise SystemExit(f"the labels are {labels}")
    time.sleep(1.1)
    rotate("run", "--once")  # removes the last previous keys
    before = revisions()
    write(person.edits + 1)
    rotate("run", "--once")
    if before != revisions() or len(before) != 5:
        raise SystemExit(f"an edit beside them makes revisions of the parts: {before}, {revisions()}")
    print(f"ok  \tone Secret of three keys and a ConfigMap, {ROTATIONS} rotations of each, {person.edits} edits by a person: nothing lost, no revision of theirs")


main()
