"""A machine's root file system, made from packages at the speed of this machine.

mmdebstrap fetches the packages, the roles' own list of them among them, and the roles configure a
stage: whoever runs the machine needs no network.  Linux and root alone.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailsim.lab.container.engine import stream
from mailsim.lab.container.images import ENVIRONMENT, FOLDER, PLAY
from mailsim.lab.container.provision import configuration
from mailsim.lab.container.rootfs import mmdebstrap
from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage

if TYPE_CHECKING:
    from mailsim.lab.container.buildlog import BuildLog

_HERE: Final = Path(__file__).parent
_KERNELS: Final = {
    Release.BOOKWORM: "linux-image-cloud-amd64",
    Release.TRIXIE: "linux-image-cloud-amd64",
    Release.NOBLE: "linux-image-virtual",
    Release.RESOLUTE: "linux-image-virtual",
}
# What makes a root file system a machine, and what Vagrant's ansible_local runs with.
_INCLUDED: Final = (
    "systemd-sysv", "udev", "dbus", "openssh-server", "python3", "python3-apt", "sudo", "iproute2",
    "kmod", "procps", "ca-certificates", "ansible-core",
)  # fmt: skip
# What comes from a provider's own network came by a forwarded port: the Vagrantfile's list.
FORWARDED_FROM: Final = ("10.0.2.2", "192.168.121.1", "172.17.0.1", "10.88.0.1")
_PLAY: Final = f"export {ENVIRONMENT}; {PLAY}"


def root(
    release: Release, stages: Sequence[Stage], target: Path, scratch: Path, log: BuildLog
) -> None:
    """Fill the new folder `target`; the last of the stages is in place, all are kept in it.

    `scratch` is a folder for what is laid in.  Raises LabError.
    """
    context = scratch / "context"
    configuration(context)
    _lay_guest(context / "box")
    log.step("vagrant.step-root", release=release.value)
    included = [_KERNELS[release], *_INCLUDED]
    hooks = _hooks(release, stages, context)
    words = mmdebstrap(release, target, included, hooks)
    if stream(words, log.line):
        raise log.failure("vagrant.no-root", release=release.value, reason=log.said, log=log.path)


def play_variables(release: Release) -> dict[str, object]:
    """What the roles are told on a machine, the stage apart: as the Vagrantfile tells them."""
    return {
        "mailsim_release": release.value,
        "base_forwarded_from": list(FORWARDED_FROM),
        "base_forwarded_users": ["vagrant"],
        "base_workstation": True,
    }


def _lay_guest(target: Path) -> None:
    target.mkdir()
    (target / "guest.sh").write_bytes((_HERE / "guest.sh").read_bytes())
    (target / "authorized_keys").write_bytes((_HERE / "insecure.pub").read_bytes())


def _hooks(release: Release, stages: Sequence[Stage], context: Path) -> list[str]:
    """What is done in the new system, $1, while its network is this machine's."""
    # The authority is this machine's, and a box is given to others: it makes its own.
    shutil.rmtree(context / "authority")
    told = shlex.quote(json.dumps(play_variables(release)))
    packages = f"{_PLAY} packages.yml -e mailsim_domain={network().domain}"
    roles = f'chroot "$ROOT" sh -c {shlex.quote(f"{_PLAY} site.yml -e {told} -e mailsim_stage=$0")} "$1"'
    keep = [sys.executable, "-I", str(_HERE / "stages.py"), "keep"]
    names = " ".join(one.value for one in stages)
    return [
        f'mkdir -p "$1{FOLDER}" && cp -r {shlex.quote(str(context))}/. "$1{FOLDER}/"',
        f'chroot "$1" sh -c {shlex.quote(packages)}',
        f'chroot "$1" sh {FOLDER}/box/guest.sh',
        f'rm -rf "$1{FOLDER}/box" "$1{FOLDER}/start"',
        f'ROOT="$1" {shlex.join(keep)} "$1" {shlex.quote(roles)} {names}',
    ]
