"""The base image: the release's own from a registry, else a root file system made by mmdebstrap."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailsim.errors import LabError
from mailsim.lab.container.engine import stream
from mailsim.model.stage import Release

if TYPE_CHECKING:
    from mailsim.lab.container.buildlog import BuildLog
    from mailsim.lab.container.engine import Engine

IMAGES: Final = {
    Release.BOOKWORM: "docker.io/library/debian:12",
    Release.TRIXIE: "docker.io/library/debian:13",
    Release.NOBLE: "docker.io/library/ubuntu:24.04",
    Release.RESOLUTE: "docker.io/library/ubuntu:26.04",
}
_UBUNTU: Final = (Release.NOBLE, Release.RESOLUTE)
_DEBIAN_KEYS: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_UBUNTU_KEYS: Final = Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg")
_PULL: Final = 300.0  # seconds that an image may take to come
_INCLUDED: Final = (
    "ca-certificates", "systemd", "systemd-sysv", "dbus", "iproute2", "procps", "python3",
)  # fmt: skip
# Its mounts of /dev and /sys are nobody else's, and go with it however it ends: who then clears
# the folder away can never meet this machine's own devices in it.
_APART: Final = (
    "unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc",
)  # fmt: skip


def base(engine: Engine, release: Release, log: BuildLog) -> str:
    """The base image's tag; it is here when this returns.  Raises LabError."""
    for tag in (IMAGES[release], own_tag(release)):
        if engine.has_image(tag):
            return tag
    log.step("container.step-pull", image=IMAGES[release])
    if _pulled(engine, IMAGES[release], log):
        return IMAGES[release]
    log.step("container.step-base", release=release.value)
    _make(engine, release, log)
    return own_tag(release)


def own_tag(release: Release) -> str:
    """What a base made here is called."""
    return f"localhost/mailsim/base:{release.value}"


def _pulled(engine: Engine, image: str, log: BuildLog) -> bool:
    try:
        done = engine.run("pull", image, timeout=_PULL, check=False)
    except LabError as error:
        log.line(str(error))
        return False
    log.line((done.stderr or done.stdout).decode("utf-8", "replace").strip())
    return done.returncode == 0


def _make(engine: Engine, release: Release, log: BuildLog) -> None:
    if shutil.which("mmdebstrap") is None:
        raise LabError("container.no-base", image=IMAGES[release])
    with tempfile.TemporaryDirectory(prefix="mailsim-base-") as folder:
        archive = Path(folder) / "base.tar"
        code = stream(mmdebstrap(release, archive, _INCLUDED), log.line)
        if code:
            raise log.failure(
                "container.no-root", release=release.value, reason=log.said, log=log.path
            )
        engine.run("import", str(archive), own_tag(release), timeout=_PULL)


def mmdebstrap(
    release: Release, target: Path, included: Iterable[str], hooks: Iterable[str] = ()
) -> list[str]:
    """The command that makes a root file system of packages, as a folder or a .tar.

    `hooks` are shell commands that then run with the new system's folder as $1.
    Raises LabError where the keys are missing that the packages are signed with.
    """
    ubuntu = release in _UBUNTU
    keys = _UBUNTU_KEYS if ubuntu else _DEBIAN_KEYS
    if not keys.is_file():
        raise LabError("container.no-keys", image=IMAGES[release], keys=keys)
    return [
        *_APART,
        "mmdebstrap",
        "--variant=minbase",
        f"--include={','.join(included)}",
        f"--keyring={keys}",
        f"--components={'main,universe' if ubuntu else 'main'}",
        *(f"--customize-hook={one}" for one in hooks),
        # It knows where a suite's packages are.
        release.value,
        str(target),
    ]
