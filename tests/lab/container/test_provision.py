"""What images are built from: a change of it, and nothing else, builds them anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mailsim.lab.container import provision


@pytest.fixture
def roles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab_home: Path) -> Path:
    """A copy of provision/ that a test may change."""
    del lab_home
    copy = tmp_path / "provision"
    shutil.copytree(provision.roles(), copy)
    monkeypatch.setattr(provision, "roles", lambda: copy)
    return copy


def _hashes(folder: Path, name: str) -> tuple[str, str]:
    packages = provision.installation(folder / name / "packages")
    return packages, provision.configuration(folder / name / "stage")


def test_a_roles_change_builds_the_stages_and_not_the_packages(roles: Path, tmp_path: Path) -> None:
    before = _hashes(tmp_path, "before")
    assert _hashes(tmp_path, "same") == before
    with (roles / "roles/postfix/tasks/main.yml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    after = _hashes(tmp_path, "after")
    assert (after[0] == before[0], after[1] == before[1]) == (True, False)


def test_another_package_builds_all(roles: Path, tmp_path: Path) -> None:
    before = _hashes(tmp_path, "before")
    with (roles / "group_vars/all/packages.yml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    after = _hashes(tmp_path, "after")
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_the_readme_builds_nothing(roles: Path, tmp_path: Path) -> None:
    before = _hashes(tmp_path, "before")
    (roles / "README.md").write_text("changed", encoding="utf-8")
    assert _hashes(tmp_path, "after") == before


def test_the_labs_authority_is_in_the_stage(roles: Path, tmp_path: Path) -> None:
    del roles
    provision.configuration(tmp_path / "made")
    kept = (tmp_path / "made/authority/ca.pem").read_bytes()
    assert kept == provision.authority().certificate.read_bytes()
    assert (tmp_path / "made/provision/network.json").is_file()
