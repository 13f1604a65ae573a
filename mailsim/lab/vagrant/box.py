"""`mailsim box`: a box to carry, with its checksum and the catalogue that Vagrant reads.

A folder that goes on a USB stick or a web server of the school's network:

    mailsim-bookworm-0.1.0-libvirt.box   the machine's disk
    mailsim-bookworm.json                what Vagrant is told: name, version, provider, checksum
    SHA256SUMS                           what the copy is checked with
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mailsim import __version__
from mailsim.errors import LabError
from mailsim.lab.container.buildlog import BuildLog
from mailsim.lab.container.engine import is_root
from mailsim.lab.vagrant.disk import SIZE, disk
from mailsim.lab.vagrant.rootfs import root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailsim.lab.container.buildlog import Report
    from mailsim.model.stage import Release, Stage

# What it is made with, and the packages that have it.
_PROGRAMS: Final = {
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "extlinux": "extlinux",
    "losetup": "mount",
    "mount": "mount",
    "qemu-img": "qemu-utils",
}


def build(release: Release, stages: Sequence[Stage], target: Path, report: Report) -> Path:
    """Make a box for libvirt from packages, in the folder `target`; its catalogue's path.

    The stages are prepared in it, and it starts at the last of them.

    `report` hears what is done now.  Raises LabError: what is missing, or which role and task
    failed; then nothing is left of it but the log, box.log.
    """
    _check()
    target.mkdir(parents=True, exist_ok=True)
    log = BuildLog(target / "box.log", report)
    try:
        # Beside its final place: a system and its disk need room that /tmp may lack.
        with tempfile.TemporaryDirectory(prefix=".box-", dir=target) as folder:
            scratch = Path(folder)
            root(release, stages, scratch / "root", scratch, log)
            disk(scratch / "root", scratch / "box.img", scratch, log)
            log.step("vagrant.step-pack")
            packed = _pack(scratch)
            return publish(packed, target, release, "libvirt")
    finally:
        log.close()


def _check() -> None:
    if not is_root():
        raise LabError("vagrant.needs-root")
    for program, package in _PROGRAMS.items():
        if shutil.which(program) is None:
            raise LabError("vagrant.no-program", program=program, package=package)


def _pack(scratch: Path) -> Path:
    about = {"provider": "libvirt", "format": "qcow2", "virtual_size": SIZE}
    (scratch / "metadata.json").write_text(json.dumps(about), encoding="utf-8")
    packed = scratch / "packed.box"
    with tarfile.open(packed, "w") as archive:
        for name in ("metadata.json", "box.img"):
            archive.add(scratch / name, arcname=name)
    return packed


def publish(packed: Path, target: Path, release: Release, provider: str) -> Path:
    """Move the box into the folder, with catalogue and checksums; the catalogue's path."""
    box = target / f"mailsim-{release.value}-{__version__}-{provider}.box"
    packed.replace(box)
    checksum = _checksum(box)
    catalogue = target / f"mailsim-{release.value}.json"
    catalogue.write_text(
        json.dumps(_catalogue(catalogue, release, provider, box, checksum), indent=2) + "\n",
        encoding="utf-8",
    )
    _note_checksum(target / "SHA256SUMS", box.name, checksum)
    return catalogue


def box_name(release: Release) -> str:
    """What Vagrant calls the box, and MAILSIM_BOX with it."""
    return f"mailsim/{release.value}"


def _catalogue(
    file: Path, release: Release, provider: str, box: Path, checksum: str
) -> dict[str, Any]:
    """The document, with the boxes for other providers of this version that it has already."""
    providers = []
    if file.is_file():
        known = json.loads(file.read_text(encoding="utf-8"))
        providers = [
            one
            for version in known["versions"]
            if version["version"] == __version__
            for one in version["providers"]
            if one["name"] != provider
        ]
    providers.append(
        # A file beside the catalogue: `vagrant box add` is run in the folder.
        {"name": provider, "url": box.name, "checksum_type": "sha256", "checksum": checksum}
    )
    return {
        "name": box_name(release),
        "description": "The mail system of mailsim's labs",
        "versions": [{"version": __version__, "providers": providers}],
    }


def _checksum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _note_checksum(file: Path, name: str, checksum: str) -> None:
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    kept = [one for one in lines if not one.endswith(f"  {name}")]
    file.write_text("\n".join([*kept, f"{checksum}  {name}"]) + "\n", encoding="utf-8")
