"""What images are built from: the roles, the network, the lab's authority; and their hash."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import mailsim
from mailsim.lab.network import network
from mailsim.lab.rundir import home
from mailsim.net.ca import LabCa

_PACKAGE: Final = Path(mailsim.__file__).parent
# What no image reads: a change there builds nothing anew.
_IGNORED: Final = (
    "__pycache__",
    "*.md",
    ".ansible-lint",
    "settings.*",
    "files.yml",
)
# What the installation reads: a change of a role must not install all packages anew.
_INSTALLATION: Final = ("packages.yml", "ansible.cfg", "group_vars/all/packages.yml")
# The script that is a container's first program.  Engines mount these files one by one: what the
# image has there is hidden, so that it is written once the container runs.
_START: Final = """\
#!/bin/sh
for name in hosts resolv.conf hostname; do
  cat "/usr/lib/mailsim/etc/$name" > "/etc/$name"
done
exec /sbin/init
"""


def authority() -> LabCa:
    """The lab's certification authority: the same for every image, so that clients trust it once."""
    return LabCa.load(home() / "ca", network())


def roles() -> Path:
    """The folder provision/: carried in the wheel, at the root of a checkout."""
    carried = _PACKAGE / "_files" / "provision"
    return carried if carried.is_dir() else _PACKAGE.parent / "provision"


def installation(target: Path) -> str:
    """Lay what the packages' image needs into `target`; its hash."""
    for name in _INSTALLATION:
        file = target / "provision" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(roles() / name, file)
    return tree_hash(target)


def configuration(target: Path) -> str:
    """Lay what a stage's image needs into `target`; its hash."""
    ignored = shutil.ignore_patterns(*_IGNORED)
    shutil.copytree(roles(), target / "provision", ignore=ignored)
    shutil.copyfile(_PACKAGE / "lab/network.json", target / "provision/network.json")
    lab = authority().certificate.parent
    (target / "authority").mkdir(mode=0o700)
    for name in ("ca.pem", "ca.key"):
        shutil.copyfile(lab / name, target / "authority" / name)
    start = target / "start"
    start.write_text(_START, encoding="utf-8")
    start.chmod(0o755)
    return tree_hash(target)


def tree_hash(folder: Path) -> str:
    """Of all names and contents below `folder`."""
    digest = hashlib.sha256()
    for file in sorted(_files(folder)):
        content = file.read_bytes()
        digest.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def _files(folder: Path) -> Iterator[Path]:
    return (one for one in folder.rglob("*") if one.is_file())
