"""Image layers: base → packages → one for each stage, so that a reset starts another image."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailsim.lab.container.provision import configuration, installation
from mailsim.lab.container.rootfs import base
from mailsim.lab.network import network

if TYPE_CHECKING:
    from mailsim.lab.container.buildlog import BuildLog
    from mailsim.lab.container.engine import Engine
    from mailsim.model.stage import Release, Stage

FOLDER: Final = "/usr/lib/mailsim"
"""Where a machine of the lab has the roles."""
# Whoever builds a release holds its lock here: a second lab waits for the image, and takes it.
_LOCKS: Final = Path("/run/lock")
# Another checkout, or another home with an authority of its own, has images of its own: they are
# forgotten when nobody has built them for a while.
_KEPT: Final = timedelta(days=1)
# Engines give their own networks these addresses; what comes from them came by a forwarded port.
_ENGINES_OWN: Final = ("10.0.2.2", "10.88.0.0/16", "172.16.0.0/12")
PLAY: Final = f"cd {FOLDER}/provision && ansible-playbook -i localhost, -c local"
ENVIRONMENT: Final = f"ANSIBLE_CONFIG={FOLDER}/provision/ansible.cfg LANG=C.UTF-8"
"""What runs a play there, and with which variables."""
# openssl and the rest come with packages.yml; these it needs itself, or a base may lack.
_NEEDED: Final = "ansible-core python3 python3-apt systemd systemd-sysv dbus iproute2 procps"

_PACKAGES: Final = f"""\
ARG BASE
FROM ${{BASE}}
# systemd's own: without it a stop takes ten seconds.
STOPSIGNAL SIGRTMIN+3
ENV {ENVIRONMENT}
# No daemon runs before it is configured.
RUN printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d \\
 && apt-get update \\
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends {_NEEDED}
COPY provision {FOLDER}/provision
RUN {PLAY} packages.yml -e mailsim_domain={{domain}} \\
 && apt-get clean && rm -rf /var/lib/apt/lists/* /usr/sbin/policy-rc.d
"""
_STAGE: Final = f"""\
ARG BASE
FROM ${{BASE}}
COPY provision {FOLDER}/provision
COPY authority {FOLDER}/authority
COPY start {FOLDER}/start
RUN {PLAY} site.yml -e '{{play}}' \\
 && mkdir -p {FOLDER}/etc && cp /etc/hosts /etc/resolv.conf /etc/hostname {FOLDER}/etc/ \\
 && chmod 0700 {FOLDER}/authority
CMD ["{FOLDER}/start"]
"""


def image(engine: Engine, release: Release, stage: Stage, log: BuildLog, running: str = "") -> str:
    """The stage's image, built with all below it where it is missing or old.  Raises LabError.

    Of the one that is `running` the engine is not asked: builds make it wait.
    """
    with tempfile.TemporaryDirectory(prefix="mailsim-image-") as folder:
        below, context = Path(folder) / "packages", Path(folder) / "stage"
        packages = f"localhost/mailsim/{release.value}-packages:{installation(below)}"
        made = f"{configuration(context)}-{packages.split(':')[1]}"
        tag = f"localhost/mailsim/{release.value}-{stage.value}:{made}"
        if tag != running and not engine.has_image(tag):
            with _alone(release):
                _packages(engine, release, packages, below, log)
                _stage(engine, release, stage, packages, tag, context, log)
    return tag


def _packages(engine: Engine, release: Release, tag: str, context: Path, log: BuildLog) -> None:
    if engine.has_image(tag):
        return
    below = base(engine, release, log)
    log.step("container.step-packages", release=release.value)
    recipe = _PACKAGES.replace("{domain}", network().domain)
    _build(engine, tag, below, recipe, context, "host", log)
    _forget_old(engine, tag)


def _stage(
    engine: Engine,
    release: Release,
    stage: Stage,
    below: str,
    tag: str,
    context: Path,
    log: BuildLog,
) -> None:
    if engine.has_image(tag):  # built while the lock was waited for
        return
    log.step("container.step-stage", release=release.value, stage=stage.value)
    recipe = _STAGE.replace("{play}", _variables(release, stage))
    _build(engine, tag, below, recipe, context, "none", log)
    _forget_old(engine, tag)


def play_variables(release: Release, stage: Stage) -> dict[str, object]:
    """What the roles are told, in an image's build and when a fault is switched."""
    return {
        "mailsim_release": release.value,
        "mailsim_stage": stage.value,
        "tls_authority": f"{FOLDER}/authority",
        "base_forwarded_from": list(_ENGINES_OWN),
    }


def _variables(release: Release, stage: Stage) -> str:
    return json.dumps(play_variables(release, stage))


def play(variables: str) -> list[str]:
    """The command that runs the roles inside."""
    return ["sh", "-c", f'{PLAY} site.yml -e "$0"', variables]


def _build(
    engine: Engine, tag: str, below: str, recipe: str, context: Path, net: str, log: BuildLog
) -> None:
    file = context.parent / f"{context.name}.containerfile"
    file.write_text(recipe, encoding="utf-8")
    words = ["build", "--tag", tag, "--build-arg", f"BASE={below}", "--network", net]
    if engine.name == "podman":
        # STOPSIGNAL is of docker's format alone.  One layer: a failed build leaves none behind.
        words += ["--format", "docker", "--layers=false"]
    code = engine.stream([*words, *limits(), "--file", str(file), str(context)], log.line)
    if code:
        raise log.failure("container.build-failed", image=tag, reason=log.said, log=log.path)


def limits() -> list[str]:
    """Limits that the machine allows: an engine's defaults may be above the host's."""
    most: list[str] = []
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - Windows has none

        for name, number, wanted in (
            ("nofile", resource.RLIMIT_NOFILE, 20_000),
            ("nproc", resource.RLIMIT_NPROC, 30_000),
        ):
            hard = resource.getrlimit(number)[1]
            value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            most += ["--ulimit", f"{name}={value}:{value}"]
    return most


@contextmanager
def _alone(release: Release) -> Iterator[None]:
    """Until whoever builds that release on this machine has done."""
    with (_LOCKS / f"mailsim-image-{release.value}").open("a", encoding="utf-8") as file:
        if sys.platform != "win32":
            import fcntl  # noqa: PLC0415 - Windows has none

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _forget_old(engine: Engine, tag: str) -> None:
    """Images of the same name from other roles go, but for new ones and those that run."""
    name = tag.rsplit(":", 1)[0]
    shown = "{{.Repository}}:{{.Tag}}|{{.CreatedAt}}"
    listed = engine.run("images", "--format", shown, name, check=False)
    for line in listed.stdout.decode().splitlines():
        other, _, made = line.partition("|")
        if other != tag and _age(made) > _KEPT:
            engine.run("rmi", other, check=False)


def _age(made: str) -> timedelta:
    """Of "2026-11-24 16:09:58 +0000 UTC", as both engines write it."""
    then = datetime.strptime(made[:25], "%Y-%m-%d %H:%M:%S %z")
    return datetime.now(UTC) - then
