"""What a POP3 session does to mailbox, lock and log, beyond what the dialogues show."""

from __future__ import annotations

import asyncio
import sqlite3
import tracemalloc
from dataclasses import replace
from typing import Any, cast

import pytest

from mailsim.model.stage import Release, Stage
from mailsim.net.serving import Peer
from mailsim.secret import Secret
from mailsim.servers.disturbance import delay, drop, reply, truncate
from mailsim.servers.pop3 import Pop3Session, parsing, replies
from mailsim.wire.pop3.commands import apop_digest
from tests.servers.dovecotd import PASSWORD, Dovecot
from tests.servers.smtpd import SILENT, Client

LOGIN = ("USER user", f"PASS {PASSWORD}")
FIRST = b"Subject: un\r\n\r\nun\r\n"
SECOND = b"Subject: deux\r\n\r\n.deux\r\n"


def pop3(stage: Stage = Stage.MAIL, release: Release = Release.NOBLE, **settings: Any) -> Dovecot:
    return Dovecot(Pop3Session, "pop3", stage, release, **settings)


@pytest.fixture
def dovecot() -> Dovecot:
    made = pop3()
    made.deliver(FIRST, SECOND)
    return made


def left(dovecot: Dovecot) -> list[bytes]:
    return [one.content for one in dovecot.world.store.messages("user")]


def flags(dovecot: Dovecot) -> list[frozenset[str]]:
    box = dovecot.world.store.open("user", "INBOX")
    return [box.message(uid).flags for uid in box.uids]


# --- deletion


def test_what_is_marked_goes_at_quit(dovecot: Dovecot) -> None:
    dovecot.talk(*LOGIN, "DELE 1", "QUIT")
    assert left(dovecot) == [SECOND]
    assert dovecot.log[-1].endswith("top=0/0, retr=0/0, del=1/2, size=43")


def test_a_connection_that_is_cut_deletes_nothing(dovecot: Dovecot) -> None:
    dovecot.talk(*LOGIN, "DELE 1", "DELE 2")
    assert left(dovecot) == [FIRST, SECOND]
    assert dovecot.log[-1].endswith(
        "Disconnected: Connection closed top=0/0, retr=0/0, del=0/2, size=43"
    )


def test_silence_deletes_nothing(dovecot: Dovecot) -> None:
    client = dovecot.talk(*LOGIN, "DELE 1", SILENT)
    assert client.lines[-1] == "-ERR Disconnected for inactivity."
    assert left(dovecot) == [FIRST, SECOND]
    assert "Disconnected: Inactivity - no input for 600 secs top=" in dovecot.log[-1]


def test_a_quit_that_the_disk_refuses_deletes_nothing(dovecot: Dovecot) -> None:
    class Full(Pop3Session):
        async def event(self) -> Any:
            found = await super().event()
            if self.drop is not None and found.units[0] == b"QUIT\r\n":
                self.drop.update = refuse  # type: ignore[method-assign]
            return found

    def refuse(*, expunge: bool) -> None:
        raise sqlite3.OperationalError("database or disk is full" if expunge else "")

    client = Client([one.encode() + b"\r\n" for one in (*LOGIN, "DELE 1", "QUIT")])
    session = Full(dovecot.world, "pop3", tls=lambda _: None)
    asyncio.run(session.run(cast("Peer", client)))
    assert client.lines[-1].startswith("-ERR [SYS/TEMP] Internal error occurred. ")
    assert left(dovecot) == [FIRST, SECOND]


def test_a_full_disk_lets_nobody_in_who_has_no_mailbox_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dovecot = pop3()

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(dovecot.world.store, "create", full)
    client = dovecot.talk(*LOGIN, "STAT")
    assert client.lines[-1].startswith("-ERR [SYS/TEMP] Internal error occurred. ")
    assert dovecot.log[-1].endswith("Couldn't open INBOX top=0/0, retr=0/0, del=0/0, size=0")
    monkeypatch.undo()
    assert dovecot.talk(*LOGIN).lines[-1] == "+OK Logged in."


# --- what was read


def test_what_was_read_is_seen_with_quit_and_without(dovecot: Dovecot) -> None:
    dovecot.talk(*LOGIN, "RETR 1")
    assert flags(dovecot) == [frozenset({"\\Seen"}), frozenset()]
    dovecot.talk(*LOGIN, "TOP 2 1", "RETR 2", "RSET", "QUIT")
    assert flags(dovecot) == [frozenset({"\\Seen"}), frozenset()]
    dovecot.talk(*LOGIN, "RETR 2", "QUIT")
    assert flags(dovecot)[1] == frozenset({"\\Seen"})


def test_nothing_is_recent_any_more(dovecot: Dovecot) -> None:
    dovecot.talk(*LOGIN, "QUIT")
    box = dovecot.world.store.open("user", "INBOX")
    assert box.first_recent == box.info.uid_next


def test_the_log_counts_octets_as_they_travel(dovecot: Dovecot) -> None:
    client = dovecot.talk(*LOGIN, "RETR 2", "TOP 1 0", "QUIT")
    retrieved = len(b"+OK 24 octets\r\n" + SECOND) + 1  # the dot is doubled
    topped = len(b"+OK\r\nSubject: un\r\n\r\n")
    assert dovecot.log[-1].endswith(f"top=1/{topped}, retr=1/{retrieved}, del=0/2, size=43")
    assert b"\r\n..deux\r\n.\r\n" in client.heard


# --- others in the same mailbox


class Script:
    """A client with something to do between its lines."""

    def __init__(self, *said: Any) -> None:
        self.said = said

    def __iter__(self) -> Any:
        for one in self.said:
            if callable(one):
                one()
            else:
                yield f"{one}\r\n".encode()


def talk(dovecot: Dovecot, *said: Any) -> list[str]:
    client = Client(Script(*said))
    asyncio.run(dovecot.session().run(cast("Peer", client)))
    return client.lines


def test_mail_that_comes_later_has_no_number(dovecot: Dovecot) -> None:
    lines = talk(dovecot, *LOGIN, lambda: dovecot.deliver(b"Subject: x\r\n\r\n"), "STAT", "RETR 3")
    assert lines[-2:] == ["+OK 2 43", "-ERR There's no message 3."]


def test_a_message_that_somebody_else_removed(dovecot: Dovecot) -> None:
    def expunge() -> None:
        dovecot.world.store.open("user", "INBOX").expunge((1,))

    lines = talk(
        dovecot, *LOGIN, expunge, "LIST 1", "RETR 1", "TOP 1 0", "RETR 2", "DELE 1", "QUIT"
    )
    assert lines[3:6] == ["+OK 1 19", "-ERR Message 1 expunged.", "-ERR Message 1 expunged."]
    assert lines[-1] == "+OK Logging out, messages deleted."
    assert left(dovecot) == [SECOND]


def test_asking_again_for_what_is_expunged_counts_as_a_bad_command(dovecot: Dovecot) -> None:
    def expunge() -> None:
        dovecot.world.store.open("user", "INBOX").expunge((1,))

    lines = talk(dovecot, *LOGIN, expunge, *["RETR 1"] * 30)
    assert lines[-1] == "-ERR Too many bad commands."
    assert lines.count("-ERR Message 1 expunged.") == 22


# --- the lock


def test_a_second_session_finds_the_mailbox_locked(dovecot: Dovecot) -> None:
    async def both() -> list[str]:
        holder, reached = Holding([f"{one}\r\n".encode() for one in LOGIN]), []
        task = asyncio.create_task(dovecot.session().run(cast("Peer", holder)))
        await holder.waiting.wait()
        reached = (await dovecot.conversation(*LOGIN)).lines
        holder.go.set()
        await task
        return reached

    assert asyncio.run(both())[-1] == "-ERR [IN-USE] Mailbox is locked by another POP3 session."
    assert "Disconnected: Couldn't lock POP3 session top=0/0, " in dovecot.log[2]
    # RFC 1939 §6: the lock is released.
    assert dovecot.talk(*LOGIN).lines[-1] == "+OK Logged in."


def test_it_waits_for_the_lock() -> None:
    dovecot = pop3(pop3_lock_timeout=30.0)

    async def both() -> list[str]:
        holder = Holding([f"{one}\r\n".encode() for one in LOGIN])
        first = asyncio.create_task(dovecot.session().run(cast("Peer", holder)))
        await holder.waiting.wait()
        second = asyncio.create_task(dovecot.conversation(*LOGIN, "STAT"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not second.done()
        holder.go.set()
        await first
        return (await second).lines

    assert asyncio.run(both())[-2:] == ["+OK Logged in.", "+OK 0 0"]


def test_dovecots_own_default_locks_nothing(dovecot: Dovecot) -> None:
    dovecot.world.config = replace(dovecot.world.config, pop3_lock_session=False)

    async def both() -> list[str]:
        holder = Holding([f"{one}\r\n".encode() for one in LOGIN])
        task = asyncio.create_task(dovecot.session().run(cast("Peer", holder)))
        await holder.waiting.wait()
        lines = (await dovecot.conversation(*LOGIN, "STAT")).lines
        holder.go.set()
        await task
        return lines

    assert asyncio.run(both())[-1] == "+OK 2 43"


class Holding(Client):
    """A client that stays until it may go."""

    def __init__(self, said: Any) -> None:
        super().__init__(said)
        self.waiting, self.go = asyncio.Event(), asyncio.Event()

    async def read(self, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - Peer's own
        said = await super().read(timeout)
        if not said:
            self.waiting.set()
            await self.go.wait()
        return said


# --- APOP


def test_apop() -> None:
    dovecot = pop3(auth_mechanisms=("PLAIN", "LOGIN", "APOP"))
    client = Client([])

    def said() -> Any:
        timestamp = client.lines[0].rpartition(" ")[2]
        for password in ("faux", PASSWORD):
            digest = apop_digest(timestamp, Secret(password))
            yield f"APOP user@minfo.sn {digest}\r\n".encode()
        yield b"STAT\r\n"

    client = Client(said())
    asyncio.run(dovecot.session().run(cast("Peer", client)))
    assert client.lines[1:] == ["-ERR [AUTH] Authentication failed.", "+OK Logged in.", "+OK 0 0"]
    assert ", method=APOP, " in dovecot.log[0]


def test_an_unknown_user_has_no_digest() -> None:
    dovecot = pop3(auth_mechanisms=("PLAIN", "APOP"))
    client = dovecot.talk(f"APOP personne {'0' * 32}", "CAPA")
    assert client.lines[1] == "-ERR [AUTH] Authentication failed."
    assert "SASL PLAIN" in client.lines


# --- disturbances


def test_a_disturbance_answers_in_place_of_a_command(dovecot: Dovecot) -> None:
    disturb = dovecot.world.disturbances
    disturb.add(reply("r", "-ERR [SYS/TEMP] Try again later", protocol="pop3", command="RETR"))
    client = dovecot.talk(*LOGIN, "RETR 1", "STAT", "LIST", "QUIT")
    assert client.lines[3:5] == ["-ERR [SYS/TEMP] Try again later", "+OK 2 43"]
    assert client.lines[-1] == "+OK Logging out."


def test_an_answer_that_does_not_fit_breaks_nothing(dovecot: Dovecot) -> None:
    dovecot.world.disturbances.add(reply("r", "+OK later", protocol="pop3", command="LIST"))
    assert dovecot.talk(*LOGIN, "LIST", "STAT").lines[-2:] == ["+OK later", "+OK 2 43"]


def test_a_greeting_that_refuses_ends_the_connection(dovecot: Dovecot) -> None:
    rule = reply("r", "-ERR [SYS/TEMP] Not now", protocol="pop3", command="GREETING")
    dovecot.world.disturbances.add(rule)
    assert dovecot.talk(*LOGIN).heard == b"-ERR [SYS/TEMP] Not now\r\n"


def test_an_exchange_that_is_disturbed_is_over(dovecot: Dovecot) -> None:
    rule = reply("r", "-ERR [SYS/TEMP] Not now", protocol="pop3", command="RESPONSE")
    dovecot.world.disturbances.add(rule)
    lines = dovecot.talk("AUTH PLAIN", "AHVzZXIAbWluZm8=", "CAPA", *LOGIN).lines
    assert lines[1:4] == ["+ ", "-ERR [SYS/TEMP] Not now", "+OK"]
    assert lines[-1] == "+OK Logged in."


def test_cut_and_truncated(dovecot: Dovecot) -> None:
    dovecot.world.disturbances.add(truncate("t", 10, protocol="pop3", command="RETR"))
    client = dovecot.talk(*LOGIN, "RETR 1", "STAT")
    assert client.heard.endswith(b"Logged in.\r\n+OK 19 oct")
    dovecot.world.disturbances.clear()
    dovecot.world.disturbances.add(drop("d", protocol="pop3", command="STAT"))
    client = dovecot.talk(*LOGIN, "STAT", "NOOP")
    assert client.aborted
    assert client.lines[-1] == "+OK Logged in."


def test_a_rule_may_name_the_user_and_the_service(dovecot: Dovecot) -> None:
    for name, where in (("a", {"address": "cheikh"}), ("b", {"service": "pop3s"})):
        rule = reply(name, "-ERR no", protocol="pop3", command="USER", **where)
        dovecot.world.disturbances.add(rule)
    dovecot.world.disturbances.add(delay("d", 0.0, protocol="pop3", command="PASS"))
    assert dovecot.talk(*LOGIN).lines[1:] == ["+OK", "+OK Logged in."]
    assert dovecot.talk("USER cheikh").lines[1:] == ["-ERR no"]


# --- hostile


def test_a_line_without_an_end_is_not_kept() -> None:
    dovecot = pop3()
    endless = dovecot.talk(*[b"x" * 60_000] * 50)
    assert endless.lines[1:] == ["-ERR Input buffer full, aborting"]
    assert len(endless.read_after) == 1
    endless = dovecot.talk("USER user", f"PASS {PASSWORD}", *[b"x" * 60_000] * 50)
    assert endless.lines[3:] == ["-ERR Input line too long."]
    endless = dovecot.talk("AUTH PLAIN", *[b"x" * 60_000] * 50)
    assert endless.lines[1:] == ["+ "]


def test_who_asks_for_much_at_once_gets_it_piece_by_piece() -> None:
    dovecot = pop3()
    dovecot.deliver(b"Subject: grand\r\n\r\n" + b"x" * 50_000 + b"\r\n")
    client = Forgetful([f"{one}\r\n".encode() for one in LOGIN] + [b"RETR 1\r\n" * 200])
    tracemalloc.start()
    asyncio.run(dovecot.session().run(cast("Peer", client)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert client.octets > 200 * 50_000
    assert peak < 2_000_000


class Forgetful(Client):
    """A client that keeps nothing of what it hears."""

    octets = 0

    def write(self, data: bytes) -> None:
        self.octets += len(data)


def test_octets_that_are_no_text() -> None:
    dovecot = pop3()
    client = dovecot.talk(
        b"USER \xff\xfe\r\n", b"PASS \xff\r\n", b"\xff\r\n", b"USER user\r\n", LOGIN[1]
    )
    assert client.lines[1:] == [
        "+OK", "-ERR [AUTH] Authentication failed.", "-ERR Unknown command.", "+OK", "+OK Logged in.",
    ]  # fmt: skip
    client = dovecot.talk(*LOGIN, b"\xff \xff\r\n", b"RETR \xff\r\n")
    assert client.heard.endswith(
        b"-ERR Unknown command: \xff\r\n-ERR Invalid message number: \xff\r\n"
    )


@pytest.mark.parametrize("text", ["1" * 5000, "9" * 25, "0" * 3000 + "9"])
def test_endless_numbers(text: str) -> None:
    with pytest.raises(parsing.ArgumentError):
        parsing.number(text + "x")


def test_names_in_capitals_are_asciis() -> None:
    assert parsing.split("stät é\r\n".encode()) == ("STäT", "é")


def test_every_reply_is_in_the_catalogue_once() -> None:
    texts = [one.text for one in replies.catalogue().values()]
    doubled = {text for text in texts if texts.count(text) > 1}
    assert doubled == {"-ERR {text}"}
