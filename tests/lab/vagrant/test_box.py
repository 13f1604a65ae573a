"""The folder that `mailsim box` fills: what Vagrant is told of the boxes in it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from mailsim import __version__
from mailsim.errors import LabError
from mailsim.lab.vagrant import box
from mailsim.lab.vagrant.rootfs import play_variables
from mailsim.model.stage import Release, Stage

ROOT = Path(__file__).resolve().parents[3]


def published(folder: Path, content: bytes, provider: str = "libvirt") -> Any:
    packed = folder / "packed"
    packed.write_bytes(content)
    return json.loads(box.publish(packed, folder, Release.BOOKWORM, provider).read_text("utf-8"))


def test_the_catalogue_names_the_box_beside_it_with_its_checksum(tmp_path: Path) -> None:
    about = published(tmp_path, b"a disk")

    assert about["name"] == "mailsim/bookworm"
    (version,) = about["versions"]
    (one,) = version["providers"]
    assert version["version"] == __version__
    assert one["checksum"] == hashlib.sha256(b"a disk").hexdigest()
    assert (tmp_path / one["url"]).read_bytes() == b"a disk"
    assert (tmp_path / "SHA256SUMS").read_text() == f"{one['checksum']}  {one['url']}\n"


def test_boxes_for_other_providers_stay_and_an_old_one_is_replaced(tmp_path: Path) -> None:
    published(tmp_path, b"old")
    published(tmp_path, b"other", "virtualbox")
    about = published(tmp_path, b"new")

    found = {one["name"]: one["checksum"] for one in about["versions"][0]["providers"]}
    wanted = {"libvirt": b"new", "virtualbox": b"other"}
    assert found == {name: hashlib.sha256(one).hexdigest() for name, one in wanted.items()}
    assert len((tmp_path / "SHA256SUMS").read_text().splitlines()) == 2


def test_boxes_of_another_version_go_from_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(tmp_path, b"old", "virtualbox")
    monkeypatch.setattr(box, "__version__", "9.9.9")
    (version,) = published(tmp_path, b"new")["versions"]
    assert version["version"] == "9.9.9"
    assert [one["name"] for one in version["providers"]] == ["libvirt"]


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_who_may_not_make_one_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    monkeypatch.setattr(box, "is_root", lambda: False)
    with pytest.raises(LabError) as caught:
        box.build(Release.BOOKWORM, [Stage.SIEVE], tmp_path / "made", lambda _: None)
    assert "vagrant package" in caught.value.worded(lang)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_missing_program_is_named_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    monkeypatch.setattr(box, "is_root", lambda: True)
    there = {"mmdebstrap", "mke2fs"}
    monkeypatch.setattr("shutil.which", lambda name: name if name in there else None)
    with pytest.raises(LabError) as caught:
        box.build(Release.BOOKWORM, [Stage.SIEVE], tmp_path / "made", lambda _: None)
    assert "sudo apt install extlinux" in caught.value.worded(lang)
    assert not (tmp_path / "made").exists()


def test_a_box_is_configured_as_the_vagrantfile_does_it() -> None:
    text = (ROOT / "Vagrantfile").read_text(encoding="utf-8")
    told = play_variables(Release.NOBLE)
    for name in told:
        assert f'"{name}" =>' in text
    for address in told["base_forwarded_from"]:  # type: ignore[attr-defined]
        assert address in text
