"""A build's log: all of it in a file, where it stands told, and which task has failed."""

from __future__ import annotations

from pathlib import Path

from mailsim.lab.container.buildlog import BuildLog

# As ansible-playbook 2.14 says it, in a `podman build`.
_FAILED = """\
STEP 6/8: RUN ansible-playbook site.yml

TASK [dovecot : Ensure Dovecot's settings are there] ***************************
changed: [localhost]

TASK [postfix : Put the settings together] *************************************
fatal: [localhost]: FAILED! => changed=false
  cmd: postfix check
  msg: '/etc/postfix/main.cf, line 12: missing "=" after attribute name'

PLAY RECAP *********************************************************************
localhost : ok=31 changed=12 unreachable=0 failed=1 skipped=4 rescued=0 ignored=0
Error: building at STEP "RUN ansible-playbook site.yml": exit status 2
"""


def _fed(path: Path, text: str) -> tuple[BuildLog, list[str]]:
    heard: list[str] = []
    log = BuildLog(path, heard.append)
    log.step("container.step-stage", release="bookworm", stage="tls")
    for line in text.splitlines():
        log.line(line)
    return log, heard


def test_a_failed_build_says_which_role_and_task(tmp_path: Path) -> None:
    log, _ = _fed(tmp_path / "build.log", _FAILED)
    said = str(log.failure("container.build-failed", image="i", reason=log.said, log=log.path))
    log.close()
    assert "“postfix : Put the settings together” failed" in said
    assert "line 12: missing" in said
    assert str(tmp_path / "build.log") in said


def test_each_task_is_told_as_it_begins(tmp_path: Path) -> None:
    log, heard = _fed(tmp_path / "build.log", _FAILED)
    log.close()
    assert heard == [
        "Building stage tls of bookworm",
        "Building stage tls of bookworm: dovecot : Ensure Dovecot's settings are there",
        "Building stage tls of bookworm: postfix : Put the settings together",
    ]


def test_the_whole_output_is_kept(tmp_path: Path) -> None:
    log, _ = _fed(tmp_path / "build.log", _FAILED)
    log.close()
    assert (tmp_path / "build.log").read_text(encoding="utf-8").endswith(_FAILED)


def test_without_a_task_the_builders_own_complaint_is_told(tmp_path: Path) -> None:
    text = "STEP 3/5: RUN apt-get update\nE: Unable to locate package ansible-core\n"
    log, _ = _fed(tmp_path / "build.log", text)
    said = str(log.failure("container.build-failed", image="i", reason=log.said, log=log.path))
    log.close()
    assert "Unable to locate package ansible-core" in said


def test_an_earlier_steps_failure_is_not_this_ones(tmp_path: Path) -> None:
    log, _ = _fed(tmp_path / "build.log", _FAILED)
    log.step("container.step-start")
    said = str(log.failure("container.build-failed", image="i", reason=log.said, log=log.path))
    log.close()
    assert "postfix" not in said
