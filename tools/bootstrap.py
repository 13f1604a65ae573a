"""Make .venv and install mailsim with one of its extras: `python3 tools/bootstrap.py test`.

What goes wrong on a fresh machine is said in one line.  Standard library only.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
VENV: Final = ROOT / ".venv"
PYTHON: Final = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOG: Final = VENV / "pip.log"

# Stands in pip's log, not always on its screen, where the last line hides the cause.
UNREACHABLE: Final = "Could not fetch URL"


def main(extra: str) -> None:
    """Make or mend .venv, install, and leave the stamp that make looks at."""
    if not _sound():
        _make()
    print(f"Installing mailsim[{extra}] into .venv: a minute or two the first time …", flush=True)
    LOG.unlink(missing_ok=True)
    # The build backend first, then no isolation: else pip would fetch it without our constraints.
    _pip("hatchling", "editables")
    _pip("--no-build-isolation", "--editable", f"{ROOT}[{extra}]")
    (VENV / f".{extra}").touch()


def _sound() -> bool:
    """Whether .venv is there and its Python still starts (a moved folder's does not)."""
    if not PYTHON.exists():
        return False
    probe = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([PYTHON, "-c", probe], capture_output=True, check=False).returncode == 0


def _make() -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            version = "{}.{}".format(*sys.version_info)
            sys.exit(
                f"{sys.executable} has no {module}; on Debian and Ubuntu: "
                f"apt install python{version}-venv"
            )
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True, check=False
    )
    if made.returncode:
        sys.exit(f"{VENV} could not be made: {_last_line(made.stdout + made.stderr)}")


def _pip(*arguments: str) -> None:
    options = ("-q", "--progress-bar", "off", "--disable-pip-version-check", "--log", LOG)
    pip = (PYTHON, "-m", "pip", "install", *options, "-c", ROOT / "constraints.txt")
    done = subprocess.run([*pip, *arguments], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == 0:
        return
    if UNREACHABLE in LOG.read_text(encoding="utf-8", errors="replace"):
        sys.exit(
            "pip reached no package index: is this machine online? Behind a proxy, set HTTPS_PROXY; "
            f"with the wheels at hand, set PIP_FIND_LINKS and PIP_NO_INDEX=1. Details: {LOG}"
        )
    tail = "\n".join(done.stderr.splitlines()[-12:])
    sys.exit(
        f"{tail}\npip could not install mailsim; its last lines are above, all of them in {LOG}"
    )


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no reason given.")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in {"lab", "test"}:
        sys.exit("bootstrap.py takes one extra: lab or test")
    main(sys.argv[1])
