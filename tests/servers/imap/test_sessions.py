"""Several sessions on one mailbox: each client's numbers stay right, and nothing is lost."""

from __future__ import annotations

import asyncio
import random
import re

import pytest

from mailsim.servers.store.opened import OpenMailbox
from mailsim.servers.world import World
from tests.servers.imap.imapd import USER, new_world
from tests.servers.imap.talk import Talk, run

_EXISTS = re.compile(rb"\* (\d+) EXISTS\r\n")
_EXPUNGE = re.compile(rb"\* (\d+) EXPUNGE\r\n")
_FETCH = re.compile(rb"\* (\d+) FETCH \(.*?(?:UID (\d+))?.*?\)\r\n", re.DOTALL)
_UID = re.compile(rb"UID (\d+)")
_FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")
_SILENT = ("FETCH", "STORE", "SEARCH")


class Client:
    """What a client may conclude from what it hears (RFC 3501 §7.3, §7.4)."""

    def __init__(self, world: World) -> None:
        self.talk = Talk(world)
        self.uids: list[int | None] = []
        self.flags: dict[int, frozenset[bytes]] = {}

    async def begin(self) -> None:
        for line in await self.talk.login():
            self.hear(line, "SELECT")

    async def ask(self, command: str) -> bytes:
        verb = command.partition(" ")[0]
        lines = await self.talk.ask(command)
        if ".SILENT" in command:  # what it has asked for it need not be told
            self.flags.clear()
        for line in lines:
            self.hear(line, verb)
        return lines[-1]

    def hear(self, line: bytes, verb: str) -> None:
        if exists := _EXISTS.fullmatch(line):
            count = int(exists[1])
            assert count >= len(self.uids), "messages are gone without EXPUNGE"
            self.uids += [None] * (count - len(self.uids))
        elif expunge := _EXPUNGE.fullmatch(line):
            assert verb not in _SILENT, "EXPUNGE where numbers are in use (RFC 3501 §7.4.1)"
            number = int(expunge[1])
            assert 1 <= number <= len(self.uids)
            del self.uids[number - 1]
        elif fetch := _FETCH.fullmatch(line):
            self._fetched(int(fetch[1]), line)

    def _fetched(self, number: int, line: bytes) -> None:
        assert 1 <= number <= len(self.uids), line
        uid, flags = _UID.search(line), _FLAGS.search(line)
        if uid:
            known = self.uids[number - 1]
            assert known in (None, int(uid[1])), "a number has changed its message"
            self.uids[number - 1] = int(uid[1])
        if flags and (known := self.uids[number - 1]):
            self.flags[known] = frozenset(flags[1].split()) - {b"\\Recent"}

    async def check(self, world: World) -> None:
        """After NOOP the client knows what the store knows."""
        await self.ask("NOOP")
        box = world.store.open(USER, "INBOX")
        assert len(self.uids) == len(box.uids)
        for uid in self.flags.keys() & set(box.uids):
            assert self.flags[uid] == _flags_of(box, uid), "flags have changed, and nobody said so"
        if self.uids:
            assert b" OK Fetch completed" in await self.ask("FETCH 1:* (UID FLAGS)")
        assert self.uids == list(box.uids)
        for uid in box.uids:
            assert self.flags[uid] == _flags_of(box, uid)


def _flags_of(box: OpenMailbox, uid: int) -> frozenset[bytes]:
    return frozenset(flag.encode() for flag in box.message(uid).flags)


def _command(chance: random.Random, client: Client) -> str:
    """Something that a client may say, about messages that it believes to be there."""
    count = len(client.uids)
    if not count:
        return "NOOP"
    number = chance.randint(1, count)
    known = [uid for uid in client.uids if uid] or [1]
    uid = chance.choice(known)
    flag = chance.choice(["\\Seen", "\\Flagged", "travail", "\\Draft"])
    return chance.choice(
        [
            f"STORE {number} +FLAGS ({flag})",
            f"STORE {number} -FLAGS.SILENT ({flag})",
            f"STORE {number}:{count} +FLAGS.SILENT (\\Deleted)",
            f"UID STORE {uid} FLAGS ({flag})",
            "EXPUNGE",
            f"UID EXPUNGE {uid}",
            f"FETCH {number} (UID FLAGS BODY[TEXT])",
            f"FETCH 1:{number} (FLAGS)",
            f"UID FETCH {uid}:* FLAGS",
            f"SEARCH 1:{number} UNSEEN",
            f"COPY {number} INBOX",
            f"COPY 1:{number} Trash",
            f"UID COPY {uid} INBOX",
            f"MOVE {number} Trash",
            f"UID MOVE {uid} INBOX",
            "NOOP",
            "CHECK",
        ]
    )


@pytest.mark.parametrize("seed", range(8))
def test_each_client_numbers_as_the_store_does(seed: int) -> None:
    async def scene() -> None:
        chance = random.Random(seed)
        world = new_world()
        world.store.create(USER, "Trash")
        for number in range(5):
            _deliver(world, number)
        clients = [Client(world) for _ in range(3)]
        for client in clients:
            await client.begin()
        for step in range(150):
            if chance.random() < 0.25:
                _deliver(world, step)
            client = chance.choice(clients)
            said = _command(chance, client)
            answer = await client.ask(said)
            assert answer.split(b" ")[1] in (b"OK", b"NO"), (said, answer)
            if step % 10 == 9:
                await chance.choice(clients).check(world)
        for client in clients:
            await client.check(world)
            await client.talk.end()

    run(scene)


def _deliver(world: World, number: int) -> None:
    content = f"Subject: {number}\r\n\r\nbonjour {number}\r\n".encode()
    world.store.deliver(USER, "INBOX", content, received=world.clock.now())


def test_two_writers_and_two_readers_at_once_lose_nothing() -> None:
    async def write(talk: Talk, name: str) -> None:
        for number in range(40):
            content = f"Subject: {name} {number}\r\n\r\n".encode()
            answer = await talk.ask(b"APPEND INBOX {%d+}\r\n%b" % (len(content), content))
            assert b"APPENDUID" in answer[-1]

    async def read(client: Client) -> None:
        while len(client.uids) < 80:
            await client.ask("NOOP")
            await client.ask("FETCH * (UID FLAGS)") if client.uids else None
            await asyncio.sleep(0)

    async def scene() -> None:
        world = new_world()
        writers = [Talk(world), Talk(world)]
        readers = [Client(world), Client(world)]
        for writer in writers:
            await writer.login()
        for reader in readers:
            await reader.begin()
        async with asyncio.timeout(60):
            await asyncio.gather(
                *(write(writer, str(at)) for at, writer in enumerate(writers)),
                *(read(reader) for reader in readers),
            )
        for reader in readers:
            await reader.check(world)
            assert len(reader.uids) == 80
        for talk in (*writers, *(reader.talk for reader in readers)):
            await talk.end()

    run(scene)


def test_idle_says_now_and_then_that_it_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailsim.servers.imap.idling._NOTIFY_INTERVAL", 0.001)

    async def scene() -> None:
        talk = Talk(new_world())
        await talk.login()
        await talk.ask("IDLE")
        assert await talk.unasked() == [b"* OK Still here\r\n"]
        assert (await talk.done())[-1].startswith(b"c3 OK Idle completed")
        await talk.end()

    run(scene)


def test_idle_is_told_of_a_delivery_and_of_another_session_at_once() -> None:
    async def scene() -> None:
        world = new_world()
        _deliver(world, 1)
        idler, other = Talk(world), Talk(world)
        await idler.login()
        await other.login()
        assert (await idler.ask("IDLE"))[-1] == b"+ idling\r\n"
        _deliver(world, 2)
        assert await idler.unasked() == [b"* 2 EXISTS\r\n"]
        assert await idler.unasked() == [b"* 2 RECENT\r\n"]
        await other.ask("STORE 1 +FLAGS (\\Deleted)")
        assert await idler.unasked() == [b"* 1 FETCH (FLAGS (\\Deleted \\Recent))\r\n"]
        await other.ask("EXPUNGE")
        assert await idler.unasked() == [b"* 1 EXPUNGE\r\n"]
        await idler.done()
        await idler.end()
        await other.end()

    run(scene)
