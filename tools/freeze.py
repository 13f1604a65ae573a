"""Write constraints.txt anew: the versions of a fresh install of every extra.

Run it with the oldest Python 3.11 at hand (Debian 12 has 3.11.2): a newer one takes versions that
the oldest refuses.  Pins that only another system's pip installs (Windows, macOS) are kept as they stand.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
CONSTRAINTS: Final = ROOT / "constraints.txt"
ELSEWHERE: Final = frozenset({"appnope", "colorama", "pywinpty"})
TOOLS: Final = frozenset({"mailsim", "pip", "setuptools", "wheel"})
HEADER: Final = """\
# The versions that make and .ci/run install, on Python 3.11 to 3.13: names and versions only.
# Made by tools/freeze.py (make constraints).
"""


def main() -> None:
    """Install into a temporary environment, freeze it, write the file."""
    kept = {line for line in _lines(CONSTRAINTS.read_text()) if _name(line) in ELSEWHERE}
    fresh = {line for line in _lines(_frozen()) if _name(line) not in TOOLS}
    CONSTRAINTS.write_text(HEADER + "".join(f"{line}\n" for line in sorted(kept | fresh, key=_key)))


def _frozen() -> str:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        bin_folder = "Scripts" if sys.platform == "win32" else "bin"
        pip = [f"{folder}/{bin_folder}/python", "-m", "pip"]
        subprocess.run([*pip, "install", "-q", "editables", f"{ROOT}[lab,test]"], check=True)
        return subprocess.run(
            [*pip, "freeze"], check=True, stdout=subprocess.PIPE, text=True
        ).stdout


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if "==" in line]


def _name(line: str) -> str:
    return line.partition("==")[0].lower()


def _key(line: str) -> str:
    return line.lower()


if __name__ == "__main__":
    main()
