"""Folders of wheels for machines without a network: `python tools/offline.py [linux windows macos]`.

One folder a platform, for Python 3.11 to 3.13, with the notebooks' own wheel and what `make lab`
itself installs.  pip fetches each wheel, but what is needed is worked out here: pip judges a
requirement's markers by the machine that it runs on, and would forget what only Windows needs.
Versions are those of constraints.txt.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT: Final = Path(__file__).resolve().parent.parent
OUT: Final = ROOT / "build" / "offline"
PYTHONS: Final = ("3.11", "3.12", "3.13")
# What tools/bootstrap.py asks for, and mailsim with what its notebooks need.
WANTED: Final = ("mailsim[lab]", "hatchling", "editables", "pip")
# Of Linux, every glibc since that of Ubuntu 14.04, up to Debian 11's and Ubuntu 20.04's.
GLIBC: Final = range(5, 32)


@dataclass(frozen=True)
class Target:
    """A kind of machine: what pip calls it, and what markers see there."""

    folder: str
    tags: tuple[str, ...]
    sys_platform: str
    system: str
    machine: str
    os_name: str = "posix"

    def environment(self, python: str) -> dict[str, str]:
        """The values of the markers there (PEP 508)."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{python}.0",
            "os_name": self.os_name,
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": self.system,
            "platform_version": "",
            "python_full_version": f"{python}.0",
            "python_version": python,
            "sys_platform": self.sys_platform,
        }


_LINUX: Final = (
    *(f"manylinux_2_{minor}_x86_64" for minor in reversed(GLIBC)),
    *(f"manylinux{name}_x86_64" for name in ("2014", "2010", "1")),
    "linux_x86_64",
)
TARGETS: Final = (
    Target("linux", _LINUX, "linux", "Linux", "x86_64"),
    Target("windows", ("win_amd64",), "win32", "Windows", "AMD64", "nt"),
    Target("macos", ("macosx_14_0_arm64",), "darwin", "Darwin", "arm64"),
    Target("macos", ("macosx_13_0_x86_64",), "darwin", "Darwin", "x86_64"),
)
INSTALL: Final = """\
Python 3.11, 3.12 or 3.13, no network. In this folder / Dans ce dossier, sans réseau :

    python -m pip install --no-index --find-links . "mailsim[lab]"
    mailsim lab

In a clone / Dans un clone : PIP_NO_INDEX=1 PIP_FIND_LINKS=<this folder> make lab
"""


def main(folders: Iterable[str], out: Path) -> None:
    """Fill the folders, and print how large they are."""
    pins = dict(_pins((ROOT / "constraints.txt").read_text(encoding="utf-8")))
    chosen = [one for one in TARGETS if one.folder in folders]
    for target in chosen:
        folder = out / target.folder
        folder.mkdir(parents=True, exist_ok=True)
        _own_wheel(folder)
        for python in PYTHONS:
            count = fill(folder, target, python, dict(pins), WANTED)
            print(f"{target.folder} {target.machine}, Python {python}: {count} wheels", flush=True)
        (folder / "INSTALL.txt").write_text(INSTALL, encoding="utf-8")
    for name in dict.fromkeys(one.folder for one in chosen):
        wheels = list((out / name).glob("*.whl"))
        size = sum(one.stat().st_size for one in wheels) / 1e6
        print(f"{out / name}: {len(wheels)} wheels, {size:.0f} MB")


def _pins(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, version = line.partition("==")
        if equals:
            yield canonicalize_name(name), version


def _own_wheel(folder: Path) -> None:
    """This checkout's wheel, in place of an earlier one."""
    for old in folder.glob("mailsim-*.whl"):
        old.unlink()
    built = ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    if reason := _pip(*built):
        sys.exit(f"{reason}\nmailsim's own wheel could not be built; pip's last lines are above")


def fill(
    folder: Path, target: Target, python: str, pins: dict[str, str], wanted: Iterable[str]
) -> int:
    """Fetch what is missing until every requirement of every wheel is met; how many there are.

    A pin for which the target has no wheel is taken out of `pins`.
    """
    needed: dict[str, set[str]] = {}
    found: dict[str, Path] = {}
    required: list[Requirement] = []
    fresh = [Requirement(one) for one in wanted]
    while fresh:
        for one in fresh:
            needed.setdefault(canonicalize_name(one.name), set()).update(one.extras)
        found = _found(folder, target, python, pins)
        missing = [_pinned(name, pins) for name in needed if name not in found]
        if missing:
            _fetch(folder, target, python, missing, pins)
            found = _found(folder, target, python, pins)
        required = [
            one
            for name, extras in needed.items()
            for one in required_by(found[name], extras, target.environment(python))
        ]
        fresh = [one for one in required if not _known(one, needed)]
    for one in required:
        name, version, _, _ = parse_wheel_filename(found[canonicalize_name(one.name)].name)
        if version not in one.specifier:
            sys.exit(
                f"{target.folder}, Python {python}: {one} is wanted, {name} {version} is there"
            )
    return len(needed)


def _known(one: Requirement, needed: dict[str, set[str]]) -> bool:
    name = canonicalize_name(one.name)
    return name in needed and one.extras <= needed[name]


def _pinned(name: str, pins: dict[str, str]) -> str:
    if name == "pip":  # no pin: whatever is there installs the rest
        return name
    if name not in pins:
        sys.exit(f"constraints.txt has no version of {name}: make constraints")
    return f"{name}=={pins[name]}"


def _found(folder: Path, target: Target, python: str, pins: dict[str, str]) -> dict[str, Path]:
    """The wheels in the folder that this Python of the target takes, at the versions wanted."""
    made = {}
    for wheel in folder.glob("*.whl"):
        name, version, _, tags = parse_wheel_filename(wheel.name)
        if pins.get(name, str(version)) == str(version) and _fits(tags, target, python):
            made[str(name)] = wheel
    return made


def _fits(tags: Iterable[Tag], target: Target, python: str) -> bool:
    digits = python.replace(".", "")
    for tag in tags:
        old = re.fullmatch(r"cp3(\d+)", tag.interpreter)
        code = tag.abi in ("none", f"cp{digits}") or (
            tag.abi == "abi3" and old is not None and int(old[1]) <= int(digits[1:])
        )
        speaks = tag.interpreter in ("py3", "py2.py3", f"py{digits}", f"cp{digits}") or (
            tag.abi == "abi3"
        )
        if code and speaks and (tag.platform == "any" or _same_machine(tag.platform, target)):
            return True
    return False


def _same_machine(platform: str, target: Target) -> bool:
    if target.sys_platform != "darwin":
        return platform in target.tags
    # As pip does: an older system's wheels serve too, and those for both processors.
    found = re.fullmatch(rf"macosx_(\d+)_\d+_(?:{target.machine}|universal2)", platform)
    return found is not None and int(found[1]) <= int(target.tags[0].split("_")[1])


def _fetch(
    folder: Path, target: Target, python: str, wanted: list[str], pins: dict[str, str]
) -> None:
    """Fetch them; where the pinned version has no wheel for the target, the newest that has."""
    digits = python.replace(".", "")
    platforms = [part for tag in target.tags for part in ("--platform", tag)]
    abis = [part for abi in (f"cp{digits}", "abi3", "none") for part in ("--abi", abi)]
    options = ("--only-binary", ":all:", "--no-deps", "--implementation", "cp", *platforms, *abis)
    place = ("download", *options, "--python-version", python, "--dest", str(folder))
    if not _pip(*place, *wanted):
        return
    for one in wanted:
        if not _pip(*place, one):
            continue
        name, _, version = one.partition("==")
        if reason := _pip(*place, f"{name}<{version}"):
            sys.exit(f"{reason}\npip could not fetch {one}; its last lines are above")
        print(f"{target.folder} {target.machine} has no {one}: an older one", flush=True)
        del pins[name]


def required_by(
    wheel: Path, extras: set[str], environment: dict[str, str]
) -> Iterator[Requirement]:
    """What the wheel requires, with these extras, where markers have these values."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        metadata = BytesHeaderParser().parsebytes(archive.read(name))
    for text in metadata.get_all("Requires-Dist", []):
        one = Requirement(text)
        if one.marker is None or any(
            one.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)
        ):
            yield one


def _pip(*arguments: str) -> str:
    """Run pip; what it said where it failed, "" where it did not."""
    pip = (sys.executable, "-m", "pip", *arguments, "-q", "--disable-pip-version-check")
    done = subprocess.run(pip, stderr=subprocess.PIPE, text=True, check=False)
    return "\n".join(done.stderr.splitlines()[-4:]) or "?" if done.returncode else ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    known = list(dict.fromkeys(one.folder for one in TARGETS))
    parser.add_argument("folders", nargs="*", choices=[*known, []], default=known)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    main(given.folders, given.out)
