"""`make offline`: what a target needs is worked out for the target, not for this machine."""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def offline() -> ModuleType:
    """tools/offline.py, which is a script."""
    spec = importlib.util.spec_from_file_location("offline", ROOT / "tools" / "offline.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules["offline"] = made  # its dataclass looks itself up
    spec.loader.exec_module(made)
    return made


def wheel(folder: Path, name: str, version: str, *requires: str, tag: str = "py3-none-any") -> None:
    """A wheel that holds nothing but what it requires."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    extras = "Provides-Extra: lab\n"
    lines = "".join(f"Requires-Dist: {one}\n" for one in requires)
    with zipfile.ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as archive:
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        archive.writestr(f"{info}/METADATA", head + extras + lines)
        archive.writestr(
            f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pip finds wheels, and nowhere else."""
    folder = tmp_path / "index"
    wheel(folder, "school", "1.0", "console; sys_platform == 'win32'", "book; extra == 'lab'")
    wheel(folder, "console", "2.0", "late; python_version >= '3.13'")
    wheel(folder, "late", "3.0")
    for tag in ("cp311-abi3-win_amd64", "cp39-abi3-macosx_11_0_arm64"):
        wheel(folder, "book", "4.0", tag=tag)
    wheel(folder, "book", "3.9", tag="cp39-abi3-macosx_10_12_x86_64")
    wheel(folder, "book", "4.0", tag="cp311-abi3-manylinux_2_28_x86_64")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


PINS = {"school": "1.0", "console": "2.0", "late": "3.0", "book": "4.0"}


@pytest.mark.parametrize(
    ("folder", "machine", "python", "expected"),
    [
        ("linux", "x86_64", "3.11", {"school-1.0", "book-4.0"}),
        ("windows", "AMD64", "3.11", {"school-1.0", "book-4.0", "console-2.0"}),
        ("windows", "AMD64", "3.13", {"school-1.0", "book-4.0", "console-2.0", "late-3.0"}),
        ("macos", "arm64", "3.12", {"school-1.0", "book-4.0"}),
        # There the pinned one does not exist: the newest that does is taken.
        ("macos", "x86_64", "3.12", {"school-1.0", "book-3.9"}),
    ],
)
def test_each_target_gets_what_its_markers_ask_for(
    offline: ModuleType,
    index: Path,
    tmp_path: Path,
    folder: str,
    machine: str,
    python: str,
    expected: set[str],
) -> None:
    assert index.is_dir()
    target = next(t for t in offline.TARGETS if (t.folder, t.machine) == (folder, machine))
    out = tmp_path / "out"
    out.mkdir()
    pins = dict(PINS)
    assert offline.fill(out, target, python, pins, ["school[lab]"]) == len(expected)
    assert {"-".join(one.name.split("-")[:2]) for one in out.glob("*.whl")} == expected
    assert ("book" in pins) == ("book-4.0" in expected)
    # A second run finds all of it there.
    assert offline.fill(out, target, python, dict(PINS), ["school[lab]"]) == len(expected)


def test_what_has_no_version_here_is_said(offline: ModuleType, index: Path, tmp_path: Path) -> None:
    wheel(index, "new", "1.0", "unheard")
    with pytest.raises(SystemExit, match=r"constraints\.txt has no version of unheard"):
        offline.fill(tmp_path, offline.TARGETS[0], "3.11", {"new": "1.0"}, ["new"])


def test_a_wheel_that_is_nowhere_and_one_that_does_not_fit_are_said(
    offline: ModuleType, index: Path, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match=r"could not fetch gone==1\.0"):
        offline.fill(tmp_path, offline.TARGETS[0], "3.11", {"gone": "1.0"}, ["gone"])
    wheel(index, "choosy", "1.0", "late>=9")
    pins = {**PINS, "choosy": "1.0"}
    with pytest.raises(SystemExit, match="late>=9 is wanted"):
        offline.fill(tmp_path, offline.TARGETS[0], "3.11", pins, ["choosy"])


def test_the_folders_are_those_of_the_three_systems(offline: ModuleType) -> None:
    assert {one.folder for one in offline.TARGETS} == {"linux", "windows", "macos"}
    assert offline.PYTHONS == ("3.11", "3.12", "3.13")
    assert offline.WANTED[0] == "mailsim[lab]"
