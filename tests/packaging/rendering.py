"""What the roles write, rendered by ansible, which changes nothing on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from mailsim.model.stage import Release, Stage

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PROVISION: Final = ROOT / "provision"

Files = Mapping[str, str]
"""What the roles write, by path: the parts of one file joined."""


def program(name: str) -> str:
    """Where it is; without it the test is left out, unless all are required."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        if os.environ.get("MAILSIM_REQUIRE_ORACLES") == "1":
            pytest.fail(f"MAILSIM_REQUIRE_ORACLES=1, but there is no {name}")
        pytest.skip(f"there is no {name}")
    return found


def said(*command: str | Path) -> str:
    """What a program that must succeed says, warnings too."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def ansible(playbook: Path, **variables: object) -> None:
    """Run a playbook on this machine, which it does not change."""
    done = subprocess.run(
        [
            program("ansible-playbook"),
            "-i",
            "localhost,",
            "-c",
            "local",
            str(playbook),
            "-e",
            json.dumps(variables),
        ],
        env={**os.environ, "ANSIBLE_CONFIG": str(PROVISION / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def files_of(document: Any, release: Release, stage: Stage) -> Files:
    joined: dict[str, str] = {}
    for path, text, *_ in document[release.value][stage.value]:
        joined[path] = joined.get(path, "") + text
    return joined
