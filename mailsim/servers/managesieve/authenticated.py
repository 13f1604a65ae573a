"""What may be said after the login: the scripts (RFC 5804 §2)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from mailsim.servers.managesieve import parsing, replies
from mailsim.servers.managesieve.authorization import echo
from mailsim.servers.managesieve.names import is_valid
from mailsim.servers.managesieve.parsing import Argument, Kind, Line, LineError
from mailsim.wire.managesieve import (
    Capability,
    GetScript,
    Item,
    ListScripts,
    Literal,
    Logout,
    Response,
    Unauthenticate,
)
from mailsim.wire.managesieve.items import Atom

if TYPE_CHECKING:
    from mailsim.servers.managesieve.checking import Verdict
    from mailsim.servers.managesieve.session import ManageSieveSession

_NUMBER = re.compile(rb"[0-9]{1,19}")

Handler = Callable[["ManageSieveSession", Line], Awaitable[None]]


async def capability(session: ManageSieveSession, line: Line) -> None:
    """CAPABILITY   ; RFC 5804 §2.4"""
    _exactly(line, 0)
    session.core.read_as(Capability())
    await session.say(replies.CAPABILITY(data=session.capabilities()))


async def noop(session: ManageSieveSession, line: Line) -> None:
    """NOOP [tag]   ; RFC 5804 §2.13"""
    given = line.all()
    if given and given[0].is_string and len(given) > 1:
        raise LineError(replies.TOO_MANY_ARGUMENTS)
    await session.say(echo(given))


async def logout(session: ManageSieveSession, line: Line) -> None:
    """LOGOUT   ; RFC 5804 §2.3"""
    _exactly(line, 0)
    session.core.read_as(Logout())
    await session.say(replies.LOGOUT())
    session.leave_line_end()
    session.over = True


async def unauthenticate(session: ManageSieveSession, line: Line) -> None:
    """UNAUTHENTICATE   ; RFC 5804 §2.14.1, which Pigeonhole lacks: on `full` alone"""
    _exactly(line, 0)
    session.core.read_as(Unauthenticate())
    session.leave()
    await session.say(replies.UNAUTHENTICATED())


async def listscripts(session: ManageSieveSession, line: Line) -> None:
    """LISTSCRIPTS   ; RFC 5804 §2.7"""
    _exactly(line, 0)
    session.core.read_as(ListScripts())
    data: list[tuple[Item, ...]] = []
    for one in session.world.store.scripts(session.user):
        name = one.name.encode()
        data.append((name, Atom("ACTIVE")) if one.active else (name,))
    await session.say(replies.LISTED(data=tuple(data)))


async def getscript(session: ManageSieveSession, line: Line) -> None:
    """GETSCRIPT name   ; RFC 5804 §2.9"""
    (name,) = _names(line, 1)
    session.core.read_as(GetScript("script"))
    content = _content(session, name)
    if isinstance(content, Response):
        await _refuse(session, f"Failed to retrieve script `{name}'", content)
        return
    await session.say(replies.GOT(data=((Literal(content),),)))


async def havespace(session: ManageSieveSession, line: Line) -> None:
    """HAVESPACE name size   ; RFC 5804 §2.5"""
    name, size = _exactly(line, 2)
    if not name.is_string:
        said = replies.BAD_SCRIPT_STRING()
    elif size.kind is not Kind.ATOM or not _NUMBER.fullmatch(size.value):
        said = replies.BAD_SCRIPT_SIZE()
    elif not is_valid(name.value.decode()):
        said = replies.BAD_SPACE_NAME()
    elif int(size.value) == 0:
        said = replies.EMPTY_SCRIPT()
    else:
        over = session.over_quota(name.value.decode(), int(size.value))
        said = over or replies.WOULD_SUCCEED()
    await session.say(said)


async def setactive(session: ManageSieveSession, line: Line) -> None:
    """SETACTIVE name   ; RFC 5804 §2.8: "" makes none active"""
    (name,) = _names(line, 1)
    if not name:
        await _deactivate(session)
        return
    content = _content(session, name)
    if isinstance(content, Response):
        await _refuse(session, f"Failed to open script `{name}' for activation", content)
        return
    store = session.world.store
    if any(one.active for one in store.scripts(session.user) if one.name == name):
        await session.say(replies.ACTIVE_ALREADY())
        return
    verdict = session.check(content, name, upload=False)
    if not verdict.valid:
        await session.say(replies.ERRORS(text=verdict.text))
        return
    store.activate_script(session.user, name)
    await session.say(_judged(verdict, replies.ACTIVATED))


async def _deactivate(session: ManageSieveSession) -> None:
    store = session.world.store
    had = store.active_script(session.user) is not None
    store.activate_script(session.user, "")
    await session.say(replies.DEACTIVATED() if had else replies.NONE_ACTIVE())


async def deletescript(session: ManageSieveSession, line: Line) -> None:
    """DELETESCRIPT name   ; RFC 5804 §2.10: not the active one"""
    (name,) = _names(line, 1)
    store, content = session.world.store, _content(session, name)
    if isinstance(content, Response):
        await _refuse(session, f"Failed to delete script `{name}'", content)
    elif any(one.active for one in store.scripts(session.user) if one.name == name):
        await _refuse(session, f"Failed to delete script `{name}'", replies.IS_ACTIVE())
    else:
        store.delete_script(session.user, name)
        await session.say(replies.DELETED())


async def renamescript(session: ManageSieveSession, line: Line) -> None:
    """RENAMESCRIPT old new   ; RFC 5804 §2.11: an active one stays active"""
    old, new = _names(line, 2)
    store, content = session.world.store, _content(session, old)
    if isinstance(content, Response):
        await _refuse(session, f"Failed to open script `{old}' for rename to `{new}'", content)
        return
    what = f"Failed to rename script `{old}' to `{new}'"
    if not is_valid(new):
        await _refuse(session, what, replies.BAD_NEW_NAME(name=replies.shown(new)))
    elif store.script(session.user, new) is not None:
        await _refuse(session, what, replies.EXISTS())
    else:
        store.rename_script(session.user, old, new)
        await session.say(replies.RENAMED())


async def putscript(session: ManageSieveSession, line: Line) -> None:
    """PUTSCRIPT name script   ; RFC 5804 §2.6: what does not compile is not kept"""
    name = _string(line, 0)
    script = _script(line, 1)
    if script.kind is Kind.LITERAL and (over := session.over_quota(name, script.size)):
        await session.say(over)
        return
    if not is_valid(name):
        said = replies.BAD_PUT_NAME(name=replies.shown(name))
        await _refuse(session, f"Failed to store script `{name}'", said)
        return
    _no_more(line, 2)
    if over := session.over_quota(name, script.size):
        await session.say(over)
        return
    verdict = session.check(script.value, name)
    if verdict.valid:
        session.world.store.put_script(session.user, name, bytes(script.value))
    await session.say(_judged(verdict, replies.PUT))


async def checkscript(session: ManageSieveSession, line: Line) -> None:
    """CHECKSCRIPT script   ; RFC 5804 §2.12"""
    script = _script(line, 0)
    if over := session.too_large(script.size):
        await session.say(over)
        return
    _no_more(line, 1)
    await session.say(_judged(session.check(script.value, ""), replies.CHECKED))


def _judged(verdict: Verdict, done: replies.Wording) -> Response:
    if not verdict.valid:
        return replies.ERRORS(text=verdict.text)
    return replies.WARNINGS(text=verdict.text) if verdict.text else done()


# --- arguments


def _exactly(line: Line, count: int) -> list[Argument]:
    given = line.all()
    if len(given) < count:
        raise LineError(replies.MISSING)
    if len(given) > count:
        raise LineError(replies.TOO_MANY_ARGUMENTS)
    return given


def _names(line: Line, count: int) -> list[str]:
    _exactly(line, count)
    return [_string(line, number) for number in range(count)]


def _string(line: Line, number: int) -> str:
    if len(line.arguments) <= number:
        raise LineError(replies.MISSING)
    argument = line.arguments[number]
    parsing.check(argument)
    if not argument.is_string:
        raise LineError(replies.BAD_ARGUMENTS)
    return argument.value.decode()


def _script(line: Line, number: int) -> Argument:
    """The script, which may be longer than any other string.  Raises LineError."""
    found = line.arguments[number] if number < len(line.arguments) else None
    if found is not None and found.quoted:
        wrong = found.text.rstrip(".").replace("String contains", "Quoted string contains an")
        raise LineError(replies.BAD_INPUT.format(text=wrong))
    if found is None or not found.is_string:
        raise LineError(replies.BAD_ARGUMENTS)
    return found


def _no_more(line: Line, count: int) -> None:
    for one in line.arguments[count:]:
        parsing.check(one)
        raise LineError(replies.TOO_MANY_BEHIND)


# --- what is wrong with a name


def _content(session: ManageSieveSession, name: str) -> bytes | Response:
    """The script of that name, or what is said when there is none."""
    if not is_valid(name):
        return replies.BAD_NAME(name=replies.shown(name))
    found = session.world.store.script(session.user, name)
    return replies.NOT_FOUND(name=replies.shown(name)) if found is None else found


async def _refuse(session: ManageSieveSession, what: str, said: Response) -> None:
    """Say it, and write in the log what was not done."""
    session.journal.write(f"{what}: {said.text}")
    await session.say(said)


COMMANDS: Final[dict[str, Handler]] = {
    "CAPABILITY": capability,
    "LOGOUT": logout,
    "PUTSCRIPT": putscript,
    "CHECKSCRIPT": checkscript,
    "GETSCRIPT": getscript,
    "SETACTIVE": setactive,
    "DELETESCRIPT": deletescript,
    "LISTSCRIPTS": listscripts,
    "HAVESPACE": havespace,
    "RENAMESCRIPT": renamescript,
    "NOOP": noop,
}
