"""Commands that a hostile client may say: those of the dialogues, spoilt at random."""

from __future__ import annotations

import random
from functools import cache

import pytest

from mailsim.dialogue import Side
from mailsim.model.stage import Release
from tests.servers.imap.imapd import USER, new_world
from tests.servers.imap.played_imap import FILES, MAIL, read
from tests.servers.imap.talk import Talk, run

_WORDS = (
    b"(", b")", b" ", b'"', b"{3+}\r\nabc", b"{3}\r\nabc", b"*", b"$", b"1:*", b"\\Seen", b"NIL", b"\0", b"\xff",
    b"[", b"]", b"<0.5>", b"UID ", b"4294967296", b"99999999999999999999999", b"-", b"\\", b"%", b"&", b"INBOX",
    b"RETURN (SAVE)", b"(CHANGEDSINCE 1)", b",", b"HEADER.FIELDS (X)", b"\r\n", b"DONE\r\n",
)  # fmt: skip


@cache
def commands() -> tuple[bytes, ...]:
    found = []
    for name in FILES:
        for exchange in read(name).transcript.dialogue.exchanges:
            said = b"".join(line.raw for line in exchange.lines if line.side is Side.CLIENT)
            if said and b"STARTTLS" not in said and b"AUTHENTICATE" not in said:
                found.append(said)
    return tuple(found)


def spoilt(chance: random.Random) -> bytes:
    line = bytearray(chance.choice(commands()))
    for _ in range(chance.randint(0, 3)):
        at = chance.randrange(len(line) + 1)
        how = chance.random()
        if how < 0.4:
            line[at:at] = chance.choice(_WORDS)
        elif how < 0.7:
            del line[at : at + chance.randint(1, 5)]
        else:
            line[at : at + 1] = bytes([chance.randrange(256)])
    return bytes(line)


@pytest.mark.parametrize("seed", range(12))
def test_no_command_breaks_a_session(seed: int) -> None:
    async def scene() -> None:
        chance = random.Random(seed)
        world = new_world(release=chance.choice(list(Release)))
        world.store.create(USER, "Trash")
        for message in MAIL.values():
            world.store.deliver(USER, "INBOX", message, received=1.0)
        talk = Talk(world)
        await talk.login()
        for extension in chance.sample(["QRESYNC", "IMAP4rev2", "CONDSTORE"], 1):
            await talk.ask(f"ENABLE {extension}")
        for _ in range(60):
            talk.pipe.say(spoilt(chance))
        talk.pipe.say(b"\r\nDONE\r\n")
        await talk.end()  # raises what the session has raised

    run(scene)
