from __future__ import annotations

import errno
from typing import Any, cast

import pytest

from mailsim import Lab
from mailsim.lab.embedded import Site
from mailsim.model.stage import Stage


class Full:
    """The log's file on a full disk."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.tried = 0

    def write(self, _: str) -> int:
        self.tried += 1
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def seek(self, _: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        self._file.close()
        raise OSError(errno.ENOSPC, "No space left on device")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def on_full_disk(lab: Lab) -> Full:
    site = cast("Site", lab._backend)
    full = Full(site._log)
    site._log = cast("Any", full)
    return full


def test_a_full_disk_ends_no_session() -> None:
    with Lab(seed=1) as lab:
        full = on_full_disk(lab)
        with lab.smtp() as smtp:
            assert smtp.ehlo("poste.minfo.sn").ok
            assert smtp.mail("user@minfo.sn").ok
            assert smtp.rcpt("cheikh@minfo.sn").ok
            assert smtp.data(b"Subject: x\r\n\r\nx\r\n").ok
        lab.idle()
        assert len(lab.mailboxes["cheikh"]["INBOX"]) == 1
        assert full.tried > 1
        notes = [one.text for one in lab.logs if one.program == "mailsim"]
        assert notes == ["mail.log lacks lines: No space left on device"]


def test_a_full_disk_hinders_no_reset() -> None:
    with Lab(seed=1) as lab:
        lab.fault("F8")
        on_full_disk(lab)
        lab.reset("mail")
        assert (lab.stage, lab.faults) == (Stage.MAIL, ())


def notes(lab: Lab) -> list[str]:
    return [one.text for one in lab.logs if one.program == "mailsim"]


def test_a_reset_tells_again_of_the_full_disk() -> None:
    with Lab(seed=1) as lab:
        on_full_disk(lab)
        for _ in range(2):
            lab.deliver("From: user@minfo.sn\nTo: cheikh@minfo.sn\n\nx\n")
            lab.idle()
            assert notes(lab) == ["mail.log lacks lines: No space left on device"]
            lab.reset("mail")


def test_evidence_that_cannot_be_emptied_leaves_no_old_log(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Lab(seed=1) as lab:
        site = cast("Site", lab._backend)
        lab.deliver("From: user@minfo.sn\nTo: cheikh@minfo.sn\n\nx\n")
        lab.idle()
        monkeypatch.setattr(site.evidence, "clear", full)
        lab.reset("mail")
        assert notes(lab) == ["evidence.jsonl lacks lines: No space left on device"]
        assert "removed" not in site.rundir.log.read_text("utf-8")
