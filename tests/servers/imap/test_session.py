"""A session's edges: TLS, disturbances, the log, what others do to its mailbox."""

from __future__ import annotations

from typing import Any

import pytest

from mailsim.model.stage import Stage
from mailsim.servers.disturbance import Rule, delay, drop, reply, truncate
from tests.servers.imap.imapd import USER, new_world
from tests.servers.imap.talk import LOGIN, Talk, log, run

# --- STARTTLS


def test_what_was_injected_behind_starttls_is_never_heard() -> None:
    async def scene() -> None:
        world = new_world(Stage.TLS)
        talk = Talk(world)
        await talk.greeting()
        answer = await talk.ask(b"STARTTLS\r\nc8 LOGIN intrus faux")
        assert answer == [b"c1 OK Begin TLS negotiation now.\r\n"]
        # Dovecot takes it for the handshake's beginning, which it is not.
        assert await talk.ask("NOOP") == []
        await talk.end()
        assert "wrong version number" in log(world)[-1]

    run(scene)


def test_no_certificate_no_starttls() -> None:
    async def scene() -> None:
        talk = Talk(new_world(Stage.TLS, certificate=""))
        await talk.greeting()
        assert await talk.ask("STARTTLS") == [b"c1 BAD TLS support isn't enabled.\r\n"]
        await talk.end()

    run(scene)


# --- disturbances


def disturbed(rule: Rule, command: str, logged_in: bool = True) -> list[bytes]:  # noqa: FBT001, FBT002
    async def scene() -> Any:
        world = new_world()
        world.disturbances.add(rule)
        talk = Talk(world)
        if logged_in:
            await talk.login()
        else:
            await talk.greeting()
        lines = await talk.ask(command)
        after = await talk.ask("NOOP") if not talk.pipe.closing else []
        await talk.end()
        return lines + after

    return run(scene)  # type: ignore[no-any-return]


def test_a_disturbance_answers_in_place_of_a_command() -> None:
    rule = reply("r", "NO [UNAVAILABLE] Try again later", protocol="imap", command="FETCH", nth="1")
    assert disturbed(rule, "FETCH 1 FLAGS")[0] == b"c3 NO [UNAVAILABLE] Try again later\r\n"


def test_a_disturbance_knows_the_user_and_the_service() -> None:
    rule = reply("r", "NO later", protocol="imap", address=USER, service="imap", command="NOOP")
    assert disturbed(rule, "CAPABILITY")[-1] == b"c4 NO later\r\n"
    other = reply("r", "NO later", protocol="imap", address="cheikh", command="NOOP")
    assert disturbed(other, "CAPABILITY")[-1].startswith(b"c4 OK")


def test_a_bye_ends_the_connection() -> None:
    rule = reply("r", "BYE Going down", protocol="imap", command="NOOP")
    assert disturbed(rule, "NOOP", logged_in=False) == [b"* BYE Going down\r\n"]


def test_the_connection_is_cut() -> None:
    assert disturbed(drop("r", protocol="imap", command="NOOP"), "NOOP") == []


def test_an_answer_is_cut() -> None:
    rule = truncate("r", 5, protocol="imap", command="NOOP")
    assert disturbed(rule, "NOOP") == [b"c3 OK"]


def test_a_delay_only_delays() -> None:
    rule = delay("r", 0.0, protocol="imap", command="NOOP")
    assert disturbed(rule, "NOOP")[0].startswith(b"c3 OK NOOP completed")


def test_the_greeting_may_be_another() -> None:
    async def scene() -> None:
        world = new_world()
        world.disturbances.add(reply("r", "BYE Too busy", protocol="imap", command="GREETING"))
        talk = Talk(world)
        assert await talk.greeting() == b"* BYE Too busy\r\n"
        await talk.end()

    run(scene)


# --- the log


def test_the_log_tells_of_login_and_logout() -> None:
    async def scene() -> None:
        world = new_world()
        talk = Talk(world)
        await talk.login()
        await talk.ask("LOGOUT")
        await talk.end()
        begun, ended = log(world)
        assert begun.startswith("imap-login: Login: user=<user>, method=PLAIN, rip=192.168.10.50, ")
        assert ended.startswith(f"imap({USER})<")
        assert "Logged out in=" in ended
        assert ended.endswith(
            "deleted=0 expunged=0 trashed=0 hdr_count=0 hdr_bytes=0 body_count=0 body_bytes=0"
        )

    run(scene)


def test_the_server_stops() -> None:
    async def scene() -> None:
        world = new_world()
        talk = Talk(world)
        await talk.login()
        await talk.ask("IDLE")
        await talk.stop()
        assert await talk.unasked() == [b"* BYE Server shutting down.\r\n"]
        assert "Disconnected: Server shutting down. in=" in log(world)[-1]

    run(scene)


@pytest.mark.parametrize(
    ("said", "doing"),
    [
        (b"", "No commands sent"),
        (b"a1 NOOP\r\n", "NOOP finished 0.000 secs ago"),
        (b"a1 XYZZY\r\n", "XYZZY finished 0.000 secs ago"),
        (
            b"a1 IDLE\r\n",
            "IDLE running for 0.001 + waiting input for 0.000 secs, 2 B in + 10 B out, state=wait-input",
        ),
        (
            b"a1 SELECT INB",
            "SELECT running for 0.001 + waiting input for 0.000 secs, 0 B in + 0 B out, state=wait-input",
        ),
        (b"a1 APPEND INBOX {50+}\r\nabc", "While APPENDing: 1 msgs, 0 secs, 3/50 bytes"),
    ],
)
def test_the_log_tells_what_a_client_was_doing(said: bytes, doing: str) -> None:
    async def scene() -> None:
        world = new_world()
        talk = Talk(world)
        await talk.greeting()
        await talk.ask(LOGIN)
        if said:
            talk.pipe.say(said)
        await talk.end()
        assert f": Disconnected: Connection closed ({doing}) in=" in log(world)[-1]

    run(scene)


def test_the_log_counts_what_was_read_and_what_went() -> None:
    async def scene() -> None:
        world = new_world()
        world.store.deliver(USER, "INBOX", b"Subject: x\r\n\r\ncorps\r\n", received=1.0)
        talk = Talk(world)
        await talk.login()
        await talk.ask("FETCH 1 BODY[]")
        await talk.ask("FETCH 1 BODY.PEEK[HEADER]")
        await talk.ask("CREATE Trash")
        await talk.ask("COPY 1 Trash")
        await talk.ask("STORE 1 +FLAGS (\\Deleted)")
        await talk.ask("EXPUNGE")
        await talk.end()
        assert log(world)[-1].endswith(
            "deleted=1 expunged=1 trashed=1 hdr_count=1 hdr_bytes=14 body_count=1 body_bytes=21"
        )

    run(scene)


# --- what else happens to a selected mailbox


def test_a_mailbox_that_is_deleted_ends_the_sessions_that_have_it_selected() -> None:
    async def scene() -> None:
        world = new_world()
        world.store.create(USER, "cours")
        talk, other = Talk(world), Talk(world)
        await talk.login("cours")
        await other.login()
        await other.ask("DELETE cours")
        said = b"* BYE IMAP session state is inconsistent, please relogin.\r\n"
        assert await talk.ask("NOOP") == [said]
        await talk.end()
        await other.end()

    run(scene)


def test_an_expunged_message_is_left_out_and_said_so() -> None:
    async def scene() -> None:
        world = new_world()
        for _ in range(3):
            world.store.deliver(USER, "INBOX", b"Subject: x\r\n\r\n", received=1.0)
        talk = Talk(world)
        await talk.login()
        world.store.open(USER, "INBOX").expunge([2])
        lines = await talk.ask("FETCH 1:3 UID")
        assert lines[:2] == [b"* 1 FETCH (UID 1)\r\n", b"* 3 FETCH (UID 3)\r\n"]
        assert b"OK [EXPUNGEISSUED]" in lines[-1]
        lines = await talk.ask("FETCH 2 BODY[]")
        assert len(lines) == 1
        assert b"OK [EXPUNGEISSUED]" in lines[0]
        assert b"NO [EXPUNGEISSUED]" in (await talk.ask("COPY 2 INBOX"))[-1]
        await talk.end()

    run(scene)


def test_a_client_that_was_away_is_told_what_vanished_and_what_changed() -> None:
    async def scene() -> None:
        world = new_world()
        for _ in range(4):
            world.store.deliver(USER, "INBOX", b"Subject: x\r\n\r\n", received=1.0)
        box = world.store.open(USER, "INBOX")
        validity, known = box.info.uid_validity, box.info.highest_modseq
        box.expunge([2])
        box.change_flags([3], ["\\Flagged"], "+")
        talk = Talk(world)
        await talk.greeting()
        await talk.ask(LOGIN)
        await talk.ask("ENABLE QRESYNC")
        lines = await talk.ask(f"SELECT INBOX (QRESYNC ({validity} {known} 1:4))")
        assert b"* VANISHED (EARLIER) 2\r\n" in lines
        changed = b"* 2 FETCH (UID 3 FLAGS (\\Flagged \\Recent) MODSEQ (%d))\r\n"
        assert changed % box.info.highest_modseq in lines
        assert lines[-1].startswith(b"c3 OK [READ-WRITE]")
        # What the client does not have is not told (RFC 7162 §3.2.5.1).
        lines = await talk.ask(f"SELECT INBOX (QRESYNC ({validity} {known} 1,4))")
        assert not any(b"VANISHED" in line or b"FETCH" in line for line in lines)
        await talk.end()

    run(scene)
