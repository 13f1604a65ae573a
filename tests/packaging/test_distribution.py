"""The wheel and the source archive, built from what is in the work tree."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import mailsim

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    # No isolation: hatchling is in the environment, and a build must not need the network.
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


def tracked(*folders: str) -> set[str]:
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--", *folders],
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git work tree: what is tracked cannot be asked")
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


def test_the_wheel_carries_the_package_and_what_init_lays_down(wheel: Path) -> None:
    carried = set(zipfile.ZipFile(wheel).namelist())
    assert tracked("mailsim") <= carried
    laid = tracked("labs/en", "labs/fr", "provision", "Vagrantfile")
    assert laid
    assert {f"mailsim/_files/{name}" for name in laid} <= carried
    assert {"mailsim/py.typed", "mailsim/messages/init.json"} <= carried


def test_the_wheel_carries_no_tests_and_no_solutions(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"mailsim", f"mailsim-{mailsim.__version__}.dist-info"}
    assert not any("labs/src" in name for name in zipfile.ZipFile(wheel).namelist())


def test_the_source_archive_is_complete(dist: Path) -> None:
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        carried = {name.partition("/")[2] for name in opened.getnames()}
    assert tracked() <= carried


def test_init_works_from_an_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env")
    python = tmp_path / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    install = [*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    script = (
        "import pathlib, mailsim.cli.init as init\n"
        "print(init.PACKAGE); init.lay_down(pathlib.Path('class'))"
    )
    ran = subprocess.run(
        # -I: neither this checkout nor PYTHONPATH may stand in for what was installed.
        [str(python), "-I", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(ran.stdout.strip()).is_relative_to(tmp_path / "env")
    laid = {path.name for path in (tmp_path / "class").iterdir()}
    assert laid == {"Vagrantfile", "labs", "mailsim.toml", "provision"}
    assert (tmp_path / "class" / "labs" / "fr" / "00_start_here.ipynb").is_file()
