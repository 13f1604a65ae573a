"""A session's edges: what is not a command's, but the connection's own."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from mailsim.model.stage import Release, Stage
from mailsim.servers.disturbance import Rule, delay, drop, reply, truncate
from mailsim.servers.world import World
from tests.servers.imap.imapd import USER, new_world
from tests.servers.imap.talk import Talk, run

LOGIN = "LOGIN user minfo"


def log(world: World) -> list[str]:
    return [line.partition("dovecot: ")[2] for line in world.log.lines()]


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


# --- silence and noise


@pytest.mark.parametrize(("logged_in", "said"), [(False, b"inactivity"), (True, b"inactivity")])
def test_who_says_nothing_for_too_long_is_sent_away(said: bytes, *, logged_in: bool) -> None:
    async def scene() -> None:
        world = new_world()
        talk = Talk(world)
        await talk.greeting()
        if logged_in:
            await talk.ask(LOGIN)
            assert talk.session.patience == 1800.0
        talk.pipe.silent = True
        talk.pipe.say(b"c8 NOOP\r\n")
        lines = await talk.unasked()
        assert b"NOOP" in lines[0]
        assert said in (await talk.unasked())[0]
        await talk.end()
        assert "Inactivity" in log(world)[-1]

    run(scene)


def test_a_line_beyond_all_measure() -> None:
    async def scene() -> None:
        talk = Talk(new_world())
        await talk.login()
        long = b"SEARCH " + b"x" * 200_000
        answer = await talk.ask(long)
        assert answer == [
            b"c3 BAD Error in IMAP command SEARCH: Too long argument (0.001 + 0.000 secs).\r\n"
        ]
        assert b"c4 OK" in (await talk.ask("NOOP"))[-1]
        await talk.end()

    run(scene)


def test_a_line_beyond_all_measure_before_the_login() -> None:
    async def scene() -> None:
        talk = Talk(new_world())
        await talk.greeting()
        assert await talk.ask(b"LOGIN " + b"x" * 200_000) == [
            b"* BYE Input buffer full, aborting\r\n"
        ]
        await talk.end()

    run(scene)


@pytest.mark.parametrize("count", [3, 64, 70, 2000])
def test_an_append_of_many_pieces_is_read_once(count: int) -> None:
    async def scene() -> None:
        world = new_world()
        talk = Talk(world)
        await talk.login()
        pieces = b"".join([b" {5}\r\nhello"] * count)
        talk.pipe.say(b"c9 APPEND INBOX" + pieces + b"\r\n")
        asked = 0
        while (line := (await talk.unasked())[0]).startswith(b"+ "):
            asked += 1
        assert asked == count
        assert line.startswith(b"* %d EXISTS" % count)
        await talk.end()

    run(scene)


def test_a_message_that_is_too_big_is_not_asked_for_and_the_session_goes_on() -> None:
    async def scene() -> None:
        talk = Talk(new_world())
        await talk.login()
        answer = await talk.ask("APPEND INBOX {99999999999}")
        assert answer[-1].startswith(b"c3 NO [LIMIT] ")
        assert b"c4 OK" in (await talk.ask("NOOP"))[-1]
        await talk.end()

    run(scene)


def test_one_that_comes_without_being_asked_for_ends_it() -> None:
    async def scene() -> None:
        talk = Talk(new_world())
        await talk.login()
        assert await talk.ask("APPEND INBOX {99999999999+}") == [
            b"* BYE Literal size too large\r\n"
        ]
        await talk.end()

    run(scene)


def test_memory_stays_bounded_while_big_messages_are_read() -> None:
    async def scene() -> None:
        world = new_world()
        big = b"Subject: x\r\n\r\n" + b"y" * 10_000_000
        for _ in range(4):
            world.store.deliver(USER, "INBOX", big, received=1.0)
        talk = Talk(world)
        await talk.login()
        heard: list[int] = []
        talk.pipe.write = lambda data: heard.append(len(data))  # type: ignore[method-assign]
        tracemalloc.start()
        talk.pipe.say(b"c9 FETCH 1:* (BODY.PEEK[] BODY.PEEK[TEXT])\r\nc9 LOGOUT\r\n")
        await talk.end()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert sum(heard) > 8 * 10_000_000
        assert peak < 64 * 1024 * 1024

    run(scene)


def test_memory_stays_bounded_while_a_client_floods() -> None:
    async def scene() -> None:
        talk = Talk(new_world())
        await talk.login()
        tracemalloc.start()
        talk.pipe.say(b"c9 APPEND INBOX {12000000+}\r\n")
        for _ in range(180):
            talk.pipe.say(b"x" * 65_536)
        for _ in range(200):
            talk.pipe.say(b"{100000+}\r\n" + b"y" * 65_536)
        talk.pipe.say(b"")
        await talk.end()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        sent = 380 * 65_536  # what the test itself holds
        assert peak < sent + 64 * 1024 * 1024

    run(scene)


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe\x00", b"a\x00b c", b"c9 \x00", b"c9 SELECT \x00", b'c9 SELECT "\xff"', b"c9 SELECT {",
        b"c9 SELECT {5", b"c9 FETCH " + b"1," * 30_000 + b"1 FLAGS", b"c9 SEARCH " + b"(" * 30_000,
        b"c9 SEARCH " + b"NOT " * 15_000 + b"ALL", b"c9 FETCH 1 (" + b"BODY[" * 10_000, b"c9 UID", b"c9 UID ",
        b"c9 LIST (((((((((( x", b"c9 STORE 1 +FLAGS (" + b"a " * 30_000 + b")", b"c9 THREAD " + b"(" * 9_000,
        b'c9 LIST "" ' + b"*%" * 2_000, b'c9 LIST "" ' + b"*a" * 200, b"c9 FETCH 1 BODY[" + b"1." * 20_000 + b"1]",
        b"c9 SEARCH FROM {0+}\r\n", b"c9 APPEND INBOX (" + b"\\Seen " * 9_000 + b") {1+}\r\nx", b"c9 IDLE x",
    ],
)  # fmt: skip
def test_no_line_breaks_the_session(line: bytes) -> None:
    async def scene() -> None:
        world = new_world()
        world.store.deliver(USER, "INBOX", b"Subject: x\r\n\r\n", received=1.0)
        world.store.create(USER, "a" * 200 + "b")
        talk = Talk(world)
        await talk.login()
        talk.pipe.say(line + b"\r\n")
        first = (await talk.unasked())[-1]
        assert first.startswith((b"c9 ", b"* ", b"a BAD")), first
        talk.pipe.say(b"c10 LOGOUT\r\n")
        while not (await talk.unasked())[-1].startswith((b"c10 ", b"* BYE")):
            pass
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


# --- limits of a user


def test_a_user_has_so_many_connections() -> None:
    async def scene() -> None:
        world = new_world(mail_max_userip_connections=1)
        first, second, third = Talk(world), Talk(world), Talk(world)
        await first.login()
        await second.greeting()
        said = b"c1 NO [LIMIT] Maximum number of connections from user+IP exceeded"
        assert (await second.ask(LOGIN))[0].startswith(said)
        assert await second.ask("NOOP") == []
        await first.end()
        await second.end()
        await third.login()
        await third.end()

    run(scene)


def test_quota_is_told_and_kept() -> None:
    async def scene() -> None:
        world = new_world()
        world.store.set_quota(USER, octets=20 * 1024, messages=3)
        talk = Talk(world)
        await talk.greeting()
        assert b" QUOTA] Logged in" in (await talk.ask(LOGIN))[-1]
        root = b'* QUOTAROOT INBOX "User quota"\r\n'
        told = b'* QUOTA "User quota" (STORAGE 0 20 MESSAGE 0 3)\r\n'
        assert (await talk.ask("GETQUOTAROOT INBOX"))[:2] == [root, told]
        assert (await talk.ask('GETQUOTA "User quota"'))[0] == told
        assert b"NO Quota root doesn't exist" in (await talk.ask('GETQUOTA ""'))[0]
        admin = b"NO Quota can be changed only by admin"
        assert admin in (await talk.ask('SETQUOTA "User quota" (STORAGE 5)'))[0]
        full = b"NO [OVERQUOTA] Quota exceeded (mailbox for user is full)"
        assert full in (await talk.ask("APPEND INBOX {30000}"))[0]
        assert full in (await talk.ask(b"APPEND INBOX {30000+}\r\n" + b"x" * 30_000))[-1]
        for _ in range(3):
            assert b"APPENDUID" in (await talk.ask(b"APPEND INBOX {1+}\r\nx"))[-1]
        assert full in (await talk.ask(b"APPEND INBOX {1+}\r\nx"))[-1]
        await talk.ask("SELECT INBOX")
        assert full in (await talk.ask("COPY 1 INBOX"))[-1]
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


# --- IMAP4rev2


def test_the_release_full_speaks_imap4rev2() -> None:
    async def scene() -> None:
        world = new_world(release=Release.FULL)
        world.store.deliver(
            USER, "INBOX", b"Subject: x\r\n\r\n", flags=("\\Deleted",), received=1.0
        )
        talk = Talk(world)
        assert b"CAPABILITY IMAP4rev1 IMAP4rev2 " in await talk.greeting()
        await talk.ask(LOGIN)
        assert (await talk.ask("ENABLE IMAP4rev2"))[0] == b"* ENABLED IMAP4rev2\r\n"
        selected = await talk.ask("SELECT INBOX")
        # RFC 9051 §6.3.2: no RECENT, no UNSEEN, but LIST.
        assert not any(b"RECENT" in line or b"UNSEEN" in line for line in selected)
        assert b'* LIST () "/" INBOX\r\n' in selected
        assert (await talk.ask("FETCH 1 FLAGS"))[0] == b"* 1 FETCH (FLAGS (\\Deleted))\r\n"
        assert (await talk.ask("SEARCH ALL"))[0] == b'* ESEARCH (TAG "c5") ALL 1\r\n'
        status = await talk.ask("STATUS INBOX (MESSAGES DELETED SIZE)")
        assert status[0] == b"* STATUS INBOX (MESSAGES 1 SIZE 14 DELETED 1)\r\n"
        assert status[-1].startswith(b"c6 OK Status")
        assert b"BAD" in (await talk.ask("STATUS INBOX (RECENT)"))[-1]
        await talk.ask('CREATE "Envoyés"'.encode())
        assert '* LIST (\\HasNoChildren) "/" "Envoyés"\r\n'.encode() in await talk.ask('LIST "" *')
        await talk.end()

    run(scene)


def test_imap4rev2_is_offered_by_full_alone() -> None:
    async def scene() -> None:
        talk = Talk(new_world())
        assert b"IMAP4rev2" not in await talk.greeting()
        await talk.ask(LOGIN)
        assert await talk.ask("ENABLE IMAP4rev2") == [b"c2 OK Enabled (0.001 + 0.000 secs).\r\n"]
        await talk.end()

    run(scene)


def test_full_renames_inbox_as_the_rfc_has_it() -> None:
    async def scene() -> None:
        world = new_world(release=Release.FULL)
        world.store.deliver(USER, "INBOX", b"Subject: x\r\n\r\n", received=1.0)
        talk = Talk(world)
        await talk.login()
        lines = await talk.ask("RENAME INBOX Anciens")
        assert lines[-1].startswith(b"c3 OK")
        assert (await talk.ask("NOOP"))[0] == b"* 1 EXPUNGE\r\n"
        assert b"MESSAGES 1" in (await talk.ask("STATUS Anciens (MESSAGES)"))[0]
        await talk.end()

    run(scene)
