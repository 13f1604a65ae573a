"""The TRANSACTION state: the maildrop is open and locked (RFC 1939 §5)."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from mailsim.servers.dovecot.channel import ClosedError
from mailsim.servers.pop3 import parsing, replies
from mailsim.wire.content import dot_stuff
from mailsim.wire.pop3 import Capa, List, Quit, Reply, Retr, Top, Uidl

if TYPE_CHECKING:
    from mailsim.servers.pop3.maildrop import Maildrop
    from mailsim.servers.pop3.session import Pop3Session

Handler = Callable[["Pop3Session", "Maildrop", str], Awaitable[bool]]
"""What does a command; False where it counts as a bad one."""


async def capa(session: Pop3Session, drop: Maildrop, argument: str) -> bool:
    """CAPA   ; RFC 2449 §5: SASL, USER and STLS are of the other state"""
    del drop, argument
    session.core.read_as(Capa())
    await session.say(replies.OK(lines=replies.CAPABILITIES))
    return True


async def stat(session: Pop3Session, drop: Maildrop, argument: str) -> bool:
    """STAT   ; RFC 1939 §5"""
    del argument
    await session.say(replies.STAT(count=len(drop) - len(drop.deleted), octets=drop.left_octets))
    return True


async def list_(session: Pop3Session, drop: Maildrop, argument: str) -> bool:
    """LIST [msg]   ; RFC 1939 §5"""
    if argument:
        number = _number(drop, argument)
        session.core.read_as(List(number + 1))
        await session.say(replies.SCAN(number=number + 1, octets=drop.sizes[number]))
        return True
    session.core.read_as(List())
    lines = tuple(f"{number + 1} {drop.sizes[number]}" for number in drop.left)
    await session.say(replies.MESSAGES(count=len(lines), lines=lines))
    return True


async def uidl(session: Pop3Session, drop: Maildrop, argument: str) -> bool:
    """UIDL [msg]   ; RFC 1939 §7"""
    if argument:
        number = _number(drop, argument)
        session.core.read_as(Uidl(number + 1))
        await session.say(replies.UNIQUE_ID(number=number + 1, uid=drop.unique_id(number)))
        return True
    session.core.read_as(Uidl())
    lines = tuple(f"{number + 1} {drop.unique_id(number)}" for number in drop.left)
    await session.say(replies.OK(lines=lines))
    return True


async def retr(session: Pop3Session, drop: Maildrop, argument: str) -> bool:
    """RETR msg   ; RFC 1939 §5"""
    number = _number(drop, argument)
    session.core.read_as(Retr(number + 1))
    session.retrieved.count += 1
    content = drop.content(number)
    if content is None:
        return await _expunged(session, number)
    drop.seen.add(number)
    said = replies.OCTETS(octets=drop.sizes[number], content=_whole(content))
    session.retrieved.octets += _octets(said)
    await session.say(said)
    return True


async def top(session: Pop3Session, drop: Maildrop, argument: str) -> bool:
    """TOP msg n   ; RFC 1939 §7"""
    number, rest = parsing.number(argument, more=True)
    _check(drop, number)
    lines = parsing.size(rest)
    session.core.read_as(Top(number, min(lines, 2**63 - 1)))
    session.topped.count += 1
    content = drop.top(number - 1, lines)
    if content is None:
        return await _expunged(session, number - 1)
    said = replies.OK(content=_whole(content))
    session.topped.octets += _octets(said)
    await session.say(said)
    return True


async def dele(session: Pop3Session, drop: Maildrop, argument: str) -> bool:
    """DELE msg   ; RFC 1939 §5: it goes at QUIT"""
    drop.deleted.add(_number(drop, argument))
    await session.say(replies.MARKED())
    return True


async def rset(session: Pop3Session, drop: Maildrop, argument: str) -> bool:
    """RSET   ; RFC 1939 §5"""
    del argument
    drop.reset()
    await session.say(replies.OK())
    return True


async def noop(session: Pop3Session, drop: Maildrop, argument: str) -> bool:
    """NOOP   ; RFC 1939 §5"""
    del drop, argument
    await session.say(replies.OK())
    return True


async def quit_(session: Pop3Session, drop: Maildrop, argument: str) -> bool:
    """QUIT   ; RFC 1939 §6: what is marked as deleted is removed now"""
    del argument
    session.core.read_as(Quit())
    try:
        drop.update(expunge=True)
    except sqlite3.Error:  # a full disk: the maildrop is as it was
        await session.say(storage_error(session))
        raise ClosedError(STORAGE_ERROR) from None
    session.updated = session.over = True
    await session.say(replies.MESSAGES_DELETED() if drop.deleted else replies.LOGGING_OUT())
    return True


STORAGE_ERROR: Final = "Storage error during logout."


def storage_error(session: Pop3Session) -> Reply:
    """What is said when the store can do nothing."""
    return replies.STORAGE(stamp=f"{session.world.clock.utc():%Y-%m-%d %H:%M:%S}")


async def _expunged(session: Pop3Session, number: int) -> bool:
    """Somebody else has removed the message.  Asking for it again counts as a bad command."""
    again = number <= session.highest_expunged
    session.highest_expunged = max(session.highest_expunged, number)
    await session.say(replies.EXPUNGED(number=number + 1))
    return not again


def _number(drop: Maildrop, argument: str) -> int:
    """The message that `argument` names, counted from 0.  Raises ArgumentError."""
    number, _ = parsing.number(argument)
    _check(drop, number)
    return number - 1


def _check(drop: Maildrop, number: int) -> None:
    if not 1 <= number <= len(drop):
        raise parsing.ArgumentError(replies.NO_MESSAGE(number=number))
    if number - 1 in drop.deleted:
        raise parsing.ArgumentError(replies.DELETED())


def _whole(content: bytes) -> bytes:
    """The last line has its end, or the dot behind it would be part of it."""
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def _octets(said: Reply) -> int:
    """What the log counts: all but the final dot."""
    content = said.content or b""
    return len(f"{said}\r\n") + len(dot_stuff(content))


COMMANDS: Final[dict[str, Handler]] = {
    "CAPA": capa,
    "STAT": stat,
    "LIST": list_,
    "UIDL": uidl,
    "RETR": retr,
    "TOP": top,
    "DELE": dele,
    "RSET": rset,
    "NOOP": noop,
    "QUIT": quit_,
}
