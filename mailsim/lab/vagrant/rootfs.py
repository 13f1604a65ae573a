"""A machine's root file system, made from packages at the speed of this machine.

mmdebstrap fetches the packages, the roles' own list of them among them, and the roles configure a
stage: whoever runs the machine needs no network.  Linux and root alone.
"""

from __future__ import annotations

import json
import shlex
import shutil
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailsim.errors import LabError
from mailsim.lab.container.engine import stream
from mailsim.lab.container.provision import configuration
from mailsim.lab.container.rootfs import mmdebstrap
from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage

if TYPE_CHECKING:
    from mailsim.lab.container.buildlog import BuildLog

GUEST: Final = "/usr/lib/mailsim"
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
_PLAY: Final = (
    f"cd {GUEST}/provision && ANSIBLE_CONFIG={GUEST}/provision/ansible.cfg LANG=C.UTF-8"
    " ansible-playbook -i localhost, -c local"
)


def root(release: Release, stage: Stage, target: Path, scratch: Path, log: BuildLog) -> None:
    """Fill the new folder `target`; `scratch` is a folder for what is laid in.  Raises LabError."""
    for program in ("mmdebstrap", "chroot"):
        if shutil.which(program) is None:
            raise LabError("vagrant.no-program", program=program, package="mmdebstrap")
    context = scratch / "context"
    configuration(context)
    _lay_guest(context / "box")
    log.step("vagrant.step-root", release=release.value)
    included = [_KERNELS[release], *_INCLUDED]
    hooks = list(_hooks(release, stage, context))
    words = mmdebstrap(release, target, included, hooks)
    if stream(words, log.line):
        raise log.failure("vagrant.no-root", release=release.value, reason=log.said, log=log.path)


def play_variables(release: Release, stage: Stage) -> dict[str, object]:
    """What the roles are told on a machine: as the Vagrantfile tells them."""
    return {
        "mailsim_release": release.value,
        "mailsim_stage": stage.value,
        "base_forwarded_from": list(FORWARDED_FROM),
        "base_forwarded_users": ["vagrant"],
        "base_workstation": True,
    }


def _lay_guest(target: Path) -> None:
    here = files("mailsim").joinpath("lab", "vagrant")
    target.mkdir()
    (target / "guest.sh").write_bytes(here.joinpath("guest.sh").read_bytes())
    (target / "authorized_keys").write_bytes(here.joinpath("insecure.pub").read_bytes())


def _hooks(release: Release, stage: Stage, context: Path) -> list[str]:
    """What is done in the new system, $1, while its network is this machine's."""
    # The authority is the lab's that starts it: a box is given to others.
    shutil.rmtree(context / "authority")
    told = json.dumps(play_variables(release, stage))
    packages = f"packages.yml -e mailsim_domain={network().domain}"
    return [
        f'mkdir -p "$1{GUEST}" && cp -r {shlex.quote(str(context))}/. "$1{GUEST}/"',
        _play(packages),
        f'chroot "$1" sh {GUEST}/box/guest.sh',
        _play(f"site.yml -e {shlex.quote(told)}"),
        f'rm -rf "$1{GUEST}/box" "$1{GUEST}/start"',
    ]


def _play(play: str) -> str:
    return f'chroot "$1" sh -c {shlex.quote(f"{_PLAY} {play}")}'
