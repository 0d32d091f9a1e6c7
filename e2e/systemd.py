"""Runs the daemon as rotate.service would: with its user, limits, umask, system
calls and notifications, as far as they can be had where systemd is not init. It
rotates, reloads, survives SIGKILL, and stops. Run by e2e/systemd.sh; arguments:
the binary, and the unit's files."""

import ctypes
import ctypes.util
import json
import os
import pathlib
import pwd
import queue
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

CONFIG = """environment: test
listen: 127.0.0.1:0
stores: {disk: {type: file, dir: ./keys}}
defaults: {grace: 2s, propagation: 0s, sync: 1s, grace_bounds: {min: 1s, max: 10s}}
keys: {auth-jwt: {store: disk, every: 3s}}
"""
ERRNO_EPERM = 0x00050000 | 1  # SCMP_ACT_ERRNO(EPERM)
PR_SET_NO_NEW_PRIVS = 38
libc = ctypes.CDLL(None, use_errno=True)


def settings(files: list[str]) -> dict[str, list[str]]:
    """The [Service] section: each setting with its values in order."""
    found: dict[str, list[str]] = {}
    for file in files:
        section = ""
        for line in pathlib.Path(file).read_text().splitlines():
            if line.startswith("["):
                section = line
            elif section == "[Service]" and "=" in line and not line.startswith("#"):
                name, value = line.split("=", 1)
                found.setdefault(name, []).append(value)
    return found


def calls(name: str) -> set[str]:
    """A set of system calls, as systemd expands it."""
    if not name.startswith("@"):
        return {name}
    listed = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True).stdout
    names = [line.strip() for line in listed.splitlines()[1:]]
    return set().union(*(calls(n) for n in names if n and not n.startswith("#")))


def allowed(filters: list[str]) -> set[str]:
    all_calls: set[str] = set()
    for text in filters:
        names = set().union(*(calls(n) for n in text.lstrip("~").split()))
        all_calls = all_calls - names if text.startswith("~") else all_calls | names
    return all_calls | calls("@default")


def confine(unit: dict[str, list[str]], permitted: set[str]) -> None:
    """In the child, before exec. The filter comes last: what stands before it
    needs more than the daemon may."""
    resource.setrlimit(resource.RLIMIT_CORE, (int(unit["LimitCORE"][-1]),) * 2)
    os.umask(int(unit["UMask"][-1], 8))
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    if unit["NoNewPrivileges"][-1] == "yes":
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    seccomp = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ERRNO_EPERM))
    for name in permitted:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            seccomp.seccomp_rule_add(context, 0x7FFF0000, number, 0)
    if seccomp.seccomp_load(context) != 0:
        os._exit(99)


class Daemon:
    def __init__(self, binary: str, unit: dict[str, list[str]], permitted: set[str], state: pathlib.Path) -> None:
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = state / "notify"
        path.unlink(missing_ok=True)
        self.manager.bind(str(path))
        path.chmod(0o666)
        self.messages: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()
        watchdog = int(unit["WatchdogSec"][-1].removesuffix("min")) * 60_000_000
        environment = {"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(watchdog)}
        environment |= dict(e.split("=", 1) for e in unit["Environment"]) | {"ROTATE_CONFIG": str(state / "rotate.yaml")}
        self.process = subprocess.Popen(
            [binary, *unit["ExecStart"][-1].split()[1:]], cwd=state, env=environment, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: confine(unit, permitted),
        )
        self.told("READY=1")

    def listen(self) -> None:
        while True:
            self.messages.put(self.manager.recv(4096).decode())

    def told(self, want: str) -> None:
        while not self.messages.get(timeout=20).startswith(want):
            pass

    def ready(self) -> None:
        """Asks the endpoint, whose port the log tells."""
        with urllib.request.urlopen(f"http://{self.logged('msg', 'answering over HTTP')['address']}/readyz", timeout=5) as answer:
            if answer.status != 200:
                raise SystemExit(f"/readyz answers {answer.status}")

    def logged(self, member: str, value: str) -> dict:
        """Reads the log up to a line that says so."""
        for line in self.process.stderr:
            entry = json.loads(line)
            if entry.get(member) == value:
                return entry
            if entry["level"] == "ERROR":
                raise SystemExit(f"the daemon says: {line}")
        raise SystemExit(f"the daemon ended before {value}")


def main(binary: str, *files: str) -> None:
    unit = settings(list(files))
    permitted = allowed(unit["SystemCallFilter"])
    with tempfile.TemporaryDirectory() as tmp:
        state = pathlib.Path(tmp)
        (state / "rotate.yaml").write_text(CONFIG)
        (state / "rotate.yaml").chmod(0o644)
        if os.getuid() == 0:
            os.chown(state, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
        daemon = Daemon(binary, unit, permitted, state)
        for action in ("create", "promote", "retire"):
            daemon.logged("action", action)
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.wait()
        daemon = Daemon(binary, unit, permitted, state)
        daemon.ready()
        daemon.logged("action", "promote")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.told("RELOADING=1")
        daemon.told("READY=1")
        daemon.told("WATCHDOG=1")
        keys = next((state / "keys").glob("*.json"))
        if keys.stat().st_mode & 0o777 != 0o600:
            raise SystemExit(f"{keys.name} has mode {keys.stat().st_mode:o}")
        begin = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.told("STOPPING=1")
        if daemon.process.wait(timeout=5) != 0:
            raise SystemExit("the daemon failed to stop")
        stopped = time.monotonic() - begin
    print(f"under rotate.service's settings ({len(permitted)} system calls): ready, rotated, killed, rotated, reloaded, stopped in {stopped:.1f} s")


main(*sys.argv[1:])
