"""vacation (RFC 5230) with :seconds (RFC 6131)."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from mailsim.protocol.sieve.addresses import AddressError, parse_address, same_address
from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.complaint import Wrong, shown
from mailsim.protocol.sieve.program import Call, Template
from mailsim.protocol.sieve.reply import vacation_reply
from mailsim.protocol.sieve.result import Mark, Reject, Vacation
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.settings import DAY, Settings
from mailsim.protocol.sieve.spec import Option, Sort, Spec, Type
from mailsim.protocol.sieve.syntax import Argument, Node

_LISTS: Final = (
    b"list-id", b"list-owner", b"list-subscribe", b"list-post", b"list-unsubscribe", b"list-help",
    b"list-archive",
)  # fmt: skip
_MINE: Final = (b"to", b"cc", b"bcc", b"resent-to", b"resent-cc", b"resent-bcc")
_SENDERS: Final = (b"sender", b"resent-from", b"from")
_SYSTEM: Final = (b"mailer-daemon", b"listserv", b"majordomo", b"owner-")
_NO_SUBJECT: Final = b"<default-subject>"
_NO_FROM: Final = b"<default-from>"
_SUBJECT: Final = 256
_ATOM = re.compile(rb"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]+")

_Decision = tuple[str, dict[str, str]]


# --- the check


def bounded(settings: Settings, seconds: int) -> int:
    """A period within the site's bounds (RFC 5230 §4.1)."""
    most = settings.vacation_max_period
    seconds = max(seconds, settings.vacation_min_period)
    return min(seconds, most) if most else seconds


def _period(checker: Checker, call: Call, tag: Any, value: Argument | None) -> None:
    name = tag.name.lower()
    given = call.tags[name]
    seconds = given * (DAY if name == "days" else 1)
    place = (value or tag).place
    made = bounded(checker.settings, seconds)
    if made > seconds:
        checker.warn("sieve.period-under", place, tag=name, value=given)
    elif made < seconds:
        checker.warn("sieve.period-over", place, tag=name, value=given)
    call.tags["period"] = made


def _sender(_checker: Checker, call: Call, _tag: Any, value: Argument | None) -> None:
    given = call.tags["from"]
    if isinstance(given, bytes):
        try:
            parse_address(given)
        except AddressError as error:
            raise Wrong(
                "sieve.vacation-from", (value or _tag).place, address=shown(given),
                reason=error.reason,
            ) from None  # fmt: skip


def _check(_checker: Checker, _node: Node, call: Call) -> None:
    """The handle of a response without :handle is made of its arguments, unexpanded (RFC 5230 §4.2)."""
    if "handle" in call.tags:
        return
    reason = _source(call.args[0])
    subject = _source(call.tags.get("subject", _NO_SUBJECT))
    sender = _source(call.tags.get("from", _NO_FROM))
    mime = b"<MIME>" if "mime" in call.tags else b"<NO-MIME>"
    call.extra = (reason + subject + sender + mime, (reason, subject, sender, mime))


def _source(value: Any) -> bytes:
    return value.source if isinstance(value, Template) else value


# --- the run


def _vacation(run: Run, call: Call) -> None:
    for other in run.actions:
        where = f"{call.unit.name}: line {getattr(other, 'line', 0)}"
        # RFC 5230 §4.7: once, and not with reject.
        if isinstance(other, Vacation):
            run.fail(Wrong("sieve.vacation-twice", call.place, where=where))
        if isinstance(other, Reject):
            run.fail(Wrong("sieve.vacation-reject", call.place, action="reject", where=where))
    mine = _own_addresses(run, call)
    handle, key = _handle(run, call)
    seconds = bounded(run.settings, call.tags.get("period", run.settings.vacation_default_period))
    sender = _from(run, call)
    outcome, params = _decision(run, mine, key)
    run.note(call, outcome, dict(params))
    subject = (
        run.text(call.tags["subject"]).decode("utf-8", "replace")
        if "subject" in call.tags
        else None
    )
    action = Vacation(
        outcome, params, handle.decode("utf-8", "replace"), seconds, subject=subject,
        line=call.place.line,
    )  # fmt: skip
    if outcome == "sieve.vacation-sent":
        action = Vacation(
            outcome, params, action.handle, seconds, run.envelope.sender,
            _reply(run, call, sender or _mailbox(run, mine)), subject, call.place.line,
        )  # fmt: skip
        run.marks.append(Mark(key, seconds))
    run.act(call, action, cancels=False)


def _own_addresses(run: Run, call: Call) -> list[bytes]:
    """The addresses that are the recipient's: the envelope's, then :addresses (RFC 5230 §4.5)."""
    envelope = run.envelope
    mine = [envelope.recipient.encode("utf-8", "surrogateescape")]
    if run.settings.vacation_use_original_recipient and envelope.original_recipient:
        mine.append(envelope.original_recipient.encode("utf-8", "surrogateescape"))
    for given in run.texts(call.tags.get("addresses", ())):
        try:
            mine.append(bytes(parse_address(given)))
        except AddressError as error:
            wrong = Wrong(
                "sieve.vacation-address", call.place, address=shown(given), reason=error.reason
            )
            run.complain(wrong)
    return mine


def _handle(run: Run, call: Call) -> tuple[bytes, str]:
    if "handle" in call.tags:
        handle = run.text(call.tags["handle"])
        parts: tuple[bytes, ...] = (handle,)
    else:
        handle, parts = call.extra
    # Counted, so that no two sets of arguments make the same (RFC 5230 §4.2).
    source = b"".join(b"%d:%s" % (len(part), part) for part in parts)
    sender = run.envelope.sender.lower().encode("utf-8", "surrogateescape")
    digest = hashlib.sha256(b"%d:%s" % (len(sender), sender) + source).hexdigest()
    return handle, f"vacation {digest}"


def _decision(run: Run, mine: list[bytes], key: str) -> _Decision:
    """Whether to reply, or why not: RFC 5230 §4.5 and §4.6, in Pigeonhole's order."""
    sender = run.envelope.sender.encode("utf-8", "surrogateescape")
    to = {"sender": run.envelope.sender}
    if not run.envelope.recipient:
        return "sieve.vacation-no-recipient", {}
    if not sender:
        return "sieve.vacation-null", {}
    if any(same_address(sender, one) for one in mine):
        return "sieve.vacation-own", to
    if run.environment.seen(key):
        return "sieve.vacation-again", to
    return _automatic(run, sender, to) or _implicit(run, mine) or ("sieve.vacation-sent", to)


def _automatic(run: Run, sender: bytes, to: dict[str, str]) -> _Decision | None:
    """Mailing lists and automata get no reply (RFC 5230 §4.6)."""
    message = run.message
    for name in _LISTS:
        if message.raw(name):
            return "sieve.vacation-list", {**to, "field": name.decode()}
    if any(value.lower() != b"no" for value in message.texts(b"auto-submitted")):
        return "sieve.vacation-auto", to
    for value in message.texts(b"precedence"):
        if value.lower() in (b"junk", b"bulk", b"list"):
            return "sieve.vacation-precedence", {**to, "precedence": shown(value)}
    if flag := _suppressed(run):
        return "sieve.vacation-suppressed", {**to, "flag": flag}
    return ("sieve.vacation-system", to) if _system(sender) else None


def _suppressed(run: Run) -> str:
    """The flag of X-Auto-Response-Suppress that forbids a reply, or ""."""
    for value in run.message.texts(b"x-auto-response-suppress"):
        for flag in value.lower().replace(b",", b" ").split():
            if flag in (b"all", b"oof"):
                return flag.decode()
    return ""


def _system(sender: bytes) -> bool:
    lower = sender.lower()
    local = lower.partition(b"@")[0]
    return lower.startswith(_SYSTEM) or local.endswith(b"-request")


def _implicit(run: Run, mine: list[bytes]) -> _Decision | None:
    if run.settings.vacation_dont_check_recipient or _reached(run, mine):
        return None
    return "sieve.vacation-implicit", {"recipient": run.envelope.recipient}


def _reached(run: Run, mine: list[bytes]) -> bytes | None:
    """Which of the recipient's addresses the message names (RFC 5230 §4.5)."""
    for name in _MINE:
        named = [
            one.mailbox + b"@" + one.domain
            for one in run.message.addresses(name)
            if one.mailbox and one.domain and not one.broken
        ]
        for address in mine:
            if any(same_address(address, one) for one in named):
                return address
    return None


def _from(run: Run, call: Call) -> bytes:
    """:from's mailbox, or none: RFC 5230 §4.3 lets a wrong one be ignored."""
    given = run.text(call.tags["from"]) if "from" in call.tags else b""
    try:
        parse_address(given)
    except AddressError as error:
        if given:
            run.complain(
                Wrong("sieve.vacation-from", call.place, address=shown(given), reason=error.reason)
            )
        return b""
    return given


def _mailbox(run: Run, mine: list[bytes]) -> bytes:
    """The recipient's address that the message names (RFC 5230 §5.4)."""
    return b"<" + (_reached(run, mine) or mine[0]) + b">"


def _reply(run: Run, call: Call, sender: bytes) -> bytes:
    return vacation_reply(
        run, sender=sender, to=_to(run), subject=_subject(run, call),
        reason=run.text(call.args[0]), mime="mime" in call.tags,
    )  # fmt: skip


def _subject(run: Run, call: Call) -> bytes:
    given = run.text(call.tags["subject"]) if "subject" in call.tags else b""
    if not given.strip():
        original = run.message.raw(b"subject")
        given = b"Auto: " + b"".join(original[0].splitlines()) if original else b"Automated reply"
    text = " ".join(given.decode("utf-8", "replace").split("\r\n"))
    text = "".join(one if one.isprintable() else " " for one in text)
    return (text if len(text) <= _SUBJECT else text[: _SUBJECT - 3] + "...").encode()


def _to(run: Run) -> bytes:
    """The sender's address as the message's header has it, with its name (RFC 5230 §5.5)."""
    sender = run.envelope.sender.encode("utf-8", "surrogateescape")
    for name in _SENDERS:
        for one in run.message.addresses(name):
            if one.mailbox and one.domain and one.name and not one.broken:
                if same_address(sender, one.mailbox + b"@" + one.domain):
                    return b"%s <%s>" % (_quoted(one.name), sender)
                break
    return b"<" + sender + b">"


def _quoted(name: bytes) -> bytes:
    """The name as it stands, or quoted, where it has more than letters of an atom."""
    name = b"".join(name.splitlines())
    if _ATOM.fullmatch(name):
        return name
    return b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


_OPTIONS: Final = (
    Option("days", Type.NUMBER, family="period", check=_period),
    Option("seconds", Type.NUMBER, "vacation-seconds", "period", check=_period),
    Option("subject", Type.STRING),
    Option("from", Type.STRING, check=_sender),
    Option("addresses", Type.STRINGS),
    Option("mime"),
    Option("handle", Type.STRING),
)
SPECS: Final = (
    Spec(
        "vacation", Sort.COMMAND, _vacation, (("reason", Type.STRING),), _OPTIONS, "vacation",
        check=_check,
    ),
)  # fmt: skip
