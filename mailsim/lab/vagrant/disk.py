"""A disk that a machine starts from, made of a folder: ext4 without partitions, and extlinux."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailsim.lab.container.engine import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailsim.lab.container.buildlog import BuildLog

SIZE: Final = 6
"""GiB: what the machine sees; a file holds what is written."""
_PATIENCE: Final = 600.0
# Its boot loader reads neither 64-bit block numbers nor checksums of metadata.
_FEATURES: Final = "^64bit,^metadata_csum"
_LOADER: Final = """\
default linux
prompt 0
timeout 0
label linux
  kernel /vmlinuz
  initrd /initrd.img
  append root=LABEL=root ro net.ifnames=0 console=ttyS0 quiet
"""


def disk(root: Path, target: Path, scratch: Path, log: BuildLog) -> None:
    """Write the disk of the system in `root` to `target`, as qcow2.  Raises LabError."""
    raw = scratch / "disk.img"
    log.step("vagrant.step-disk", size=SIZE)
    with raw.open("wb") as file:
        file.truncate(SIZE << 30)
    words = ["-q", "-t", "ext4", "-L", "root", "-O", _FEATURES, "-d", str(root), str(raw)]
    run(["mke2fs", *words], timeout=_PATIENCE)
    shutil.rmtree(root)
    with _mounted(raw, scratch / "mnt") as there:
        loader = there / "boot" / "extlinux"
        loader.mkdir()
        run(["extlinux", "--install", str(loader)])
        (loader / "extlinux.conf").write_text(_LOADER, encoding="utf-8")
    run(["qemu-img", "convert", "-O", "qcow2", str(raw), str(target)], timeout=_PATIENCE)
    raw.unlink()


@contextmanager
def _mounted(raw: Path, at: Path) -> Iterator[Path]:
    at.mkdir()
    device = run(["losetup", "--find", "--show", str(raw)]).stdout.decode().strip()
    try:
        run(["mount", device, str(at)])
        try:
            yield at
        finally:
            run(["umount", str(at)])
    finally:
        run(["losetup", "--detach", device])
