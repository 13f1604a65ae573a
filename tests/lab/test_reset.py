from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from mailsim import Lab
from mailsim.errors import LabError
from mailsim.lab.rundir import RunDir, run_home
from mailsim.model.stage import Stage

if TYPE_CHECKING:
    from mailsim.lab.embedded import Site
    from mailsim.servers.world import World
    from tests.conftest import StartUp

MESSAGE = "From: user@minfo.sn\nTo: cheikh@minfo.sn\nMessage-ID: <essai@minfo.sn>\n\nBonjour\n"
AWAY = "From: user@minfo.sn\nTo: secretaire@ugb.sn\nMessage-ID: <away@minfo.sn>\n\nBonjour\n"


def site_of(lab: Lab) -> Site:
    return cast("Site", lab._backend)


@contextmanager
def not_writable(lab: Lab) -> Iterator[None]:
    """SQLite refuses every change, as on a disk that has gone read-only."""

    def switch(world: World, mode: str) -> None:
        world.store._db.execute(f"PRAGMA query_only = {mode}")

    site_of(lab).embedded.call(lambda world: switch(world, "ON"))
    yield
    site_of(lab).embedded.call(lambda world: switch(world, "OFF"))


def test_a_reset_that_fails_leaves_the_lab_as_it_was(lab: Lab) -> None:
    lab.fault("F8")
    lab.wait(lab.deliver(MESSAGE))
    before = lab.fingerprint
    with not_writable(lab), pytest.raises(LabError, match=r"was not reset: .*readonly.*Make room"):
        lab.reset("mail")
    assert lab.fingerprint == before
    assert lab.evidence == ()
    with lab.smtp() as smtp:
        assert smtp.ehlo("poste.minfo.sn").ok
    lab.wait(lab.deliver(MESSAGE.replace("essai", "again")))
    assert len(lab.mailboxes["cheikh"]["INBOX"]) == 2
    assert lab.reset("mail") == lab.fingerprint
    assert (lab.stage, lab.faults, dict(lab.mailboxes)) == (Stage.MAIL, (), {})


def test_what_waits_is_delivered_after_a_reset_that_failed(lab: Lab) -> None:
    lab.fault("F9")  # the filter is out of reach
    lab.deliver(AWAY)
    lab.idle()
    with not_writable(lab), pytest.raises(LabError):
        lab.reset()
    lab.fault("F9", on=False)
    lab.flush()
    lab.idle()
    assert lab.queue == ()
    assert len(lab.mailboxes["secretaire@ugb.sn"]["INBOX"]) == 1


if sys.platform == "linux":
    import resource

    def test_a_full_disk_leaves_the_lab_as_it_was(up: StartUp, tmp_path: Path) -> None:
        process = up("--folder", str(tmp_path / "mail")).process
        limit = resource.RLIMIT_FSIZE
        with Lab() as lab:
            lab.wait(lab.deliver(MESSAGE))
            _, most = resource.prlimit(process.pid, limit)
            resource.prlimit(process.pid, limit, (0, most))
            with pytest.raises(LabError, match=r"was not reset: .*mail"):
                lab.reset("mail")
            assert (lab.stage, len(lab.mailboxes["cheikh"]["INBOX"])) == (Stage.SIEVE, 1)
            resource.prlimit(process.pid, limit, (most, most))
            lab.wait(lab.deliver(MESSAGE.replace("essai", "again")))
            assert len(lab.mailboxes["cheikh"]["INBOX"]) == 2
            lab.reset("mail")
            assert (lab.stage, dict(lab.mailboxes)) == (Stage.MAIL, {})
            lab.wait(lab.deliver(MESSAGE))
        process.terminate()
        assert process.communicate(timeout=60)[1] == ""


def together(*works: Callable[[], object]) -> list[object]:
    """What these give or raise, begun at once."""
    found: list[object] = []
    begin = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        begin.wait()
        try:
            found.append(work())
        except Exception as error:  # noqa: BLE001 - the test looks at it
            found.append(error)

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_resets_at_once_come_one_after_the_other(lab: Lab) -> None:
    lab.deliver(AWAY)
    stages = ("mail", "tls", "sieve")
    found = together(*[lambda stage=stage: lab.reset(stage) for stage in stages])
    assert [one for one in found if isinstance(one, Exception)] == []
    assert site_of(lab).generation == 3
    assert lab.fingerprint in found
    assert (lab.queue, dict(lab.mailboxes), lab.logs) == ((), {}, ())
    with lab.smtp() as smtp:
        assert smtp.ehlo("poste.minfo.sn").ok


def test_a_reset_while_it_closes() -> None:
    for number in range(20):
        lab = Lab(name=f"closing-{number}", seed=1)
        lab.deliver(AWAY)
        errors = [one for one in together(lab.reset, lab.close) if isinstance(one, Exception)]
        told = {one.message_id for one in errors if isinstance(one, LabError)}
        assert told <= {"lab.stopped", "lab.closed"}
        assert len(told) == len(errors)
    assert list(run_home().iterdir()) == []


def test_the_log_of_the_old_world_is_not_in_the_new_one_s_file(lab: Lab) -> None:
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        old = site_of(lab).world
        lab.reset()
    site_of(lab).embedded.call(lambda _: old.log.write("postfix/smtpd", 1, "the last word"))
    lab.deliver(MESSAGE)
    lab.idle()
    written = RunDir(lab.name).log.read_text(encoding="utf-8").splitlines()
    assert written == [str(one) for one in lab.logs]


def test_a_reset_of_a_folder_keeps_it_in_the_same_hands(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    with Lab(folder=folder) as lab:
        lab.wait(lab.deliver(MESSAGE))
        lab.reset()
        with pytest.raises(LabError, match="is in use by another lab"):
            Lab(name="other", folder=folder)
    with Lab(folder=folder) as lab:
        assert dict(lab.mailboxes) == {}
