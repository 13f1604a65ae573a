"""How much a client may say, hold and have; how long it may be silent."""

from __future__ import annotations

import tracemalloc

import pytest

from tests.servers.imap.imapd import USER, new_world
from tests.servers.imap.talk import LOGIN, Talk, log, run

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


@pytest.mark.parametrize("before", [b"", b"c1 AUTHENTICATE PLAIN\r\n"])
def test_one_before_the_login_that_never_ends(before: bytes) -> None:
    async def scene() -> None:
        talk = Talk(new_world())
        await talk.greeting()
        talk.pipe.say(before + b"LOGIN " + b"x" * 200_000)
        while b"* BYE Input buffer full, aborting\r\n" not in await talk.unasked():
            pass
        await talk.end()

    run(scene)


def test_many_commands_at_once_keep_nobody_waiting_and_fill_no_memory() -> None:
    async def scene() -> None:
        world = new_world()
        world.store.deliver(USER, "INBOX", b"Subject: x\r\n\r\n" + b"y" * 60_000, received=1.0)
        greedy, other = Talk(world), Talk(world)
        await greedy.login()
        await other.greeting()
        written: list[int] = []
        greedy.pipe.write = lambda data: written.append(len(data))  # type: ignore[method-assign]
        greedy.pipe.say(b"c9 FETCH 1 BODY.PEEK[]\r\n" * 5_000 + b"c9 LOGOUT\r\n")
        assert b"OK" in (await other.ask("NOOP"))[0]
        assert len(written) < 1_000
        await greedy.end()
        assert max(written) < 200_000
        await other.end()

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


def test_for_a_client_that_is_gone_no_more_is_read() -> None:
    async def scene() -> None:
        world = new_world()
        for _ in range(20):
            world.store.deliver(USER, "INBOX", b"Subject: x\r\n\r\n" + b"y" * 100_000, received=1.0)
        talk = Talk(world)
        await talk.login()
        heard: list[int] = []

        def write(data: bytes) -> None:
            heard.append(len(data))
            talk.pipe.closing = True

        talk.pipe.write = write  # type: ignore[method-assign]
        talk.pipe.say(b"c9 FETCH 1:* BODY.PEEK[]\r\n" * 10)
        await talk.end()
        assert sum(heard) < 2_000_000
        assert "Connection closed" in log(world)[-1]

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
