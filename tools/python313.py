"""Run the core's tests once more under Debian 13's Python: `python tools/python313.py`.

They run in the image of its container lab, without a network; what they import is fetched here,
for that Python, by this machine's pip.  Where no engine answers it says so and does nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

from mailsim.errors import LabError
from mailsim.lab.container.buildlog import BuildLog
from mailsim.lab.container.engine import Engine, lab_engine
from mailsim.lab.container.images import image, limits
from mailsim.model.stage import Release, Stage

ROOT: Final = Path(__file__).resolve().parent.parent
VERSION: Final = "3.13"
# What needs no server and no socket.
TESTS: Final = ("wire", "protocol", "sasl", "knowledge", "dialogue", "model", "render")
NEEDED: Final = {"IMAPClient", "hypothesis", "pytest", "pytest-timeout", "pytest-xdist", "scramp"}


def main() -> int:
    """Fetch, start, and give pytest's exit code."""
    try:
        engine = lab_engine()
    except LabError as error:
        print(f"Python {VERSION}: left out. {error}")
        return 0
    with tempfile.TemporaryDirectory(prefix="mailsim-python-") as folder:
        site, tree = Path(folder) / "site", Path(folder) / "tree"
        fetch(site)
        check_out(tree)
        return run(engine, built(engine, Path(folder)), site, tree)


def fetch(site: Path) -> None:
    """Lay what the tests import into `site`, at the versions that all our tests run with."""
    wheels = ("--only-binary=:all:", "--python-version", VERSION, "--target", str(site))
    pip = (sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", *wheels)
    subprocess.run((*pip, "-c", str(ROOT / "constraints.txt"), *requirements()), check=True)


def requirements() -> list[str]:
    """Of pyproject.toml: what mailsim needs, and what these tests do."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tests = project["optional-dependencies"]["test"]
    wanted = [one for one in tests if re.split(r"[\[<>=~]", one)[0] in NEEDED]
    return [*project["dependencies"], *wanted]


def check_out(tree: Path) -> None:
    """What git knows of, as it is now: nothing that lies around."""
    listed = subprocess.run(
        ("git", "ls-files", "-z"), cwd=ROOT, check=True, stdout=subprocess.PIPE
    ).stdout
    for name in listed.decode().split("\0"):
        source, target = ROOT / name, tree / name
        if name and source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())


def built(engine: Engine, folder: Path) -> str:
    """The image of the whole system, as the container lab starts it."""
    log = BuildLog(folder / "build.log", print)
    try:
        return image(engine, Release.TRIXIE, Stage.SIEVE, log)
    finally:
        log.close()


def run(engine: Engine, tag: str, site: Path, tree: Path) -> int:
    """The tests, as a program of the image and without its services; pytest's exit code."""
    mounts = ("--volume", f"{site}:/site:ro", "--volume", f"{tree}:/tree:ro", "--workdir", "/tree")
    variables = ("--env", "PYTHONPATH=/site", "--env", "PYTHONDONTWRITEBYTECODE=1")
    words = ("run", "--rm", "--network", "none", *limits(), *mounts, *variables, tag)
    pytest = ("python3", "-m", "pytest", "-n", "2", "-q", *(f"tests/{one}" for one in TESTS))
    return engine.stream([*words, *pytest], print)


if __name__ == "__main__":
    sys.exit(main())
