"""The commands of any time and those of the login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.servers.dovecot import ClosedError, Kind, wording
from mailsim.servers.dovecot import RefusedError as LoginRefusedError
from mailsim.servers.imap import capabilities, replies
from mailsim.servers.imap.command import AnsweredError, Asked
from mailsim.servers.imap.replies import Reply, ok, plain
from mailsim.servers.imap.words import Kind as WordKind
from mailsim.servers.imap.words import Word
from mailsim.wire.imap.codes import Code
from mailsim.wire.imap.responses import Capability, Continuation, Enabled, Id

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession

_CODES = {
    Kind.FAILED: "AUTHENTICATIONFAILED",
    Kind.BASE64: "ALERT",
    Kind.MECHANISM: "ALERT",
    Kind.CLEARTEXT: "PRIVACYREQUIRED",
    Kind.TLS_REQUIRED: "PRIVACYREQUIRED",
    Kind.TOO_MANY: "LIMIT",
}
_ENABLED = ("CONDSTORE", "QRESYNC")
_ENABLED_FULL = (*_ENABLED, "IMAP4REV2", "UTF8=ACCEPT")


async def capability(session: ImapSession, _: Asked) -> Reply:
    """capability = "CAPABILITY" """
    # A client must ask again after STARTTLS (RFC 3501 §6.2.1): that says nothing of it.
    if not session.user and (session.service == "imaps" or not session.login.secured):
        session.asks_capability = True
    await session.data(Capability(session.capabilities()))
    return ok("Capability completed") if session.user else replies.CAPABILITY_BEFORE


async def noop(session: ImapSession, _: Asked) -> Reply:
    """noop = "NOOP" """
    return ok("NOOP completed") if session.user else plain("OK", "NOOP completed.")


async def identify(session: ImapSession, asked: Asked) -> Reply:
    """id = "ID" SP id-params-list   ; RFC 2971 §3.1"""
    words = asked.words
    if not session.user and not _is_list(words):
        return replies.BAD_ID
    await session.data(Id(capabilities.identity(session.version)))
    return ok("ID completed") if session.user else plain("OK", "ID completed.")


def _is_list(words: tuple[Word, ...]) -> bool:
    if not words or words[0].kind is WordKind.NIL:
        return True
    return words[0].kind is WordKind.LIST and all(one.astring is not None for one in words[0].words)


async def enable(session: ImapSession, asked: Asked) -> Reply:
    """enable = "ENABLE" 1*(SP capability)   ; RFC 5161 §3.1"""
    if not session.user:
        await session.put(b"* ENABLED\r\n")
        return replies.ENABLE_BEFORE
    names = [word.atom for word in asked.words]
    if None in names:
        raise asked.refused(replies.INVALID)
    known = _ENABLED_FULL if session.config.release.value == "full" else _ENABLED
    wanted = [name for name in names if name in known]
    for name in wanted:
        await _enable(session, str(name))
    if wanted:
        shown = ("IMAP4rev2" if name == "IMAP4REV2" else str(name) for name in wanted)
        await session.say(Enabled(tuple(shown)))
    return ok("Enabled")


async def _enable(session: ImapSession, name: str) -> None:
    session.enabled.add(name)
    if name in ("CONDSTORE", "QRESYNC"):
        await use_modseqs(session, qresync=name == "QRESYNC")


async def use_modseqs(session: ImapSession, *, qresync: bool = False) -> None:
    """From here on the client is told mod-sequences (RFC 7162 §3.1, "CONDSTORE enabling command")."""
    session.enabled.add("CONDSTORE")
    view = session.view
    if view is None:
        return
    view.qresync = view.qresync or qresync
    if not view.condstore:
        view.condstore = True
        view.box.use_modseqs()
        code = Code("HIGHESTMODSEQ", max(1, view.box.info.highest_modseq))
        await session.untagged(replies.HIGHEST, code)


async def urlauth(_: ImapSession, asked: Asked) -> Reply:
    """RESETKEY, GENURLAUTH, URLFETCH (RFC 4467 §7): imap_urlauth_host is not set."""
    raise asked.refused(replies.NO_URLAUTH)


async def logout(session: ImapSession, _: Asked) -> Reply:
    """logout = "LOGOUT" """
    await session.put(session.bye(replies.BYE))
    session.over = True
    return ok("Logout completed") if session.user else plain("OK", "Logout completed.")


async def starttls(session: ImapSession, asked: Asked) -> Reply:
    """starttls = "STARTTLS"   ; RFC 3501 §6.2.1"""
    if session.journal.tls:
        return plain("BAD", wording.TLS_ACTIVE)
    context = session.context() if session.offers_tls else None
    if context is None:
        return plain("BAD", wording.TLS_DISABLED)
    await session.answer(asked, plain("OK", wording.TLS_BEGIN))
    # What came in the clear behind the command is an attacker's: it is no part of what TLS covers.
    await session.start_tls(context)
    raise AnsweredError


async def login(session: ImapSession, asked: Asked) -> Reply:
    """login = "LOGIN" SP userid SP password"""
    words = asked.words
    user, password = (words[0].astring, words[1].astring) if len(words) == 2 else (None, None)
    if user is None or password is None:
        return replies.LOGIN_ERROR
    try:
        session.login.check_cleartext(user.decode("utf-8", "replace"))
        await session.login.password(user, password)
    except LoginRefusedError as refused:
        if refused.kind in (Kind.CLEARTEXT, Kind.TLS_REQUIRED):
            exposed = wording.cleartext_exposed(session.version)
            await session.put(f"* BAD [ALERT] {exposed}\r\n".encode())
        return await _refused(session, asked, refused)
    return await _logged_in(session)


async def authenticate(session: ImapSession, asked: Asked) -> Reply:
    """authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]   ; RFC 4959 §3"""
    words = asked.words
    # That nobody logs in before TLS is said first, whatever stands behind the mechanism.
    too_many = len(words) > 2 and session.login.cleartext
    if not words or too_many or not words[0].atom:
        return replies.LOGIN_ERROR
    initial = None
    if len(words) > 1:
        initial = (words[1].astring or b"").decode("utf-8", "replace")

    async def ask(challenge: str) -> str | None:
        return await _response(session, challenge)

    try:
        await session.login.authenticate(words[0].atom, initial, ask)
    except LoginRefusedError as refused:
        return await _refused(session, asked, refused)
    return await _logged_in(session)


async def _response(session: ImapSession, challenge: str) -> str | None:
    await session.say(Continuation(challenge))
    event = await session.event()
    if await session.disturbed("RESPONSE"):
        raise AnsweredError
    text = event.units[0].rstrip(b"\r\n").decode("utf-8", "replace")
    return None if text == "*" else text


async def _refused(session: ImapSession, asked: Asked, refused: LoginRefusedError) -> Reply:
    if refused.kind is Kind.ABORTED or refused.text == wording.BAD_INITIAL:
        return plain("BAD", refused.text)
    reply = plain("NO", refused.text, _CODES[refused.kind])
    if refused.kind is Kind.TOO_MANY:
        await session.answer(asked, reply)
        raise ClosedError(refused.text)
    return reply


async def _logged_in(session: ImapSession) -> Reply:
    session.received = session.sent = 0
    names = session.capabilities()
    if session.asks_capability:
        # Who asked does not read response codes, Dovecot supposes: it is told untagged.
        await session.data(Capability(names))
        return Reply("OK", replies.LOGGED_IN, timed=False)
    return Reply("OK", replies.LOGGED_IN, Code("CAPABILITY", names), timed=False)
