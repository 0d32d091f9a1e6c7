"""Reads .env files with python-dotenv, systemd's own parser or dash:
python3 readers.py READER [PROGRAM] < FILES > ANSWERS. FILES and
ANSWERS are JSON lists; texts in them are in base64."""

import base64
import ctypes
import json
import os
import subprocess
import sys
import tempfile


def python_dotenv(path, _):
    import dotenv

    return {k: v for k, v in dotenv.dotenv_values(path).items() if v is not None}


def systemd(path, library):
    """What EnvironmentFile= goes through: load_env_file, then names that cannot
    be a variable's are dropped (exec_context_load_environment)."""
    shared = ctypes.CDLL(library)
    found = ctypes.POINTER(ctypes.c_char_p)()
    if shared.load_env_file(None, path.encode(), ctypes.byref(found)) < 0:
        raise ValueError("load_env_file")
    if not found:
        return {}
    shared.strv_env_clean_with_callback.restype = ctypes.POINTER(ctypes.c_char_p)
    kept = shared.strv_env_clean_with_callback(found, None, None)
    variables, i = {}, 0
    while kept[i] is not None:
        name, _, value = kept[i].partition(b"=")
        variables[name.decode()] = value
        i += 1
    return variables


def dash(path, program):
    """set -a; . FILE; and what a program that is begun then has. It may write
    files, so it has a folder of its own, and finds no programs."""
    clean = {"PATH": "/nonexistent"}
    show = 'set -a; . "$1" >/dev/null; exec /usr/bin/env -0'
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([program, "-c", show, program, path], env=clean, capture_output=True, timeout=5, cwd=folder, stdin=subprocess.DEVNULL)
    if run.returncode != 0:
        raise ValueError(run.stderr.decode(errors="replace"))
    return environment(run.stdout, {"PATH", "PWD", "OLDPWD"})


def environment(text, without):
    variables = dict(line.split(b"=", 1) for line in text.split(b"\0") if line)
    return {k.decode(errors="replace"): v for k, v in variables.items() if k.decode(errors="replace") not in without}


def answer(read, file, program):
    with tempfile.NamedTemporaryFile(dir=os.environ.get("TMPDIR")) as f:
        f.write(base64.b64decode(file))
        f.flush()
        try:
            variables = read(f.name, program)
        except Exception as e:  # whatever a reader says, it did not read the file
            return {"error": str(e)}
    return {"vars": {k: base64.b64encode(v.encode() if isinstance(v, str) else v).decode() for k, v in variables.items()}}


reader = {"python-dotenv": python_dotenv, "systemd": systemd, "dash": dash}[sys.argv[1]]
program = sys.argv[2] if len(sys.argv) > 2 else ""
json.dump([answer(reader, file, program) for file in json.load(sys.stdin)], sys.stdout)
