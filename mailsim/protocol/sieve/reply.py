"""The messages that Sieve writes: vacation's reply (RFC 5230 §5) and reject's report (RFC 5429 §2.2.1)."""

from __future__ import annotations

from mailsim.protocol.sieve.calendar import Moment
from mailsim.protocol.sieve.fields import written
from mailsim.protocol.sieve.running import Run

_REJECTED = "Your message to <{recipient}> was automatically rejected:\r\n"


def _header(*fields: tuple[str, bytes]) -> bytes:
    return b"".join(written(name.encode(), value) for name, value in fields)


def _start(run: Run) -> list[tuple[str, bytes]]:
    now = Moment(int(run.environment.now()), run.environment.zone())
    return [
        ("X-Sieve", run.settings.implementation.encode()),
        ("Message-ID", run.environment.new_message_id().encode()),
        ("Date", now.std11.encode()),
    ]


def _address(text: str) -> bytes:
    return f"<{text}>".encode()


def vacation_reply(
    run: Run, *, sender: bytes, to: bytes, subject: bytes, reason: bytes, mime: bool
) -> bytes:
    """The reply, whole.  `sender` and `to` are field bodies; `reason` a MIME entity if `mime`."""
    message = run.message
    fields = [*_start(run), ("From", sender)]
    header = _header(*fields) + b"To: " + to + b"\r\n" + _header(("Subject", subject))
    identity = next(iter(message.raw(b"message-id")), b"").strip()
    references = next(iter(message.raw(b"references")), b"").strip()
    thread = [b" ".join(one.split()) for one in (references, identity) if one]
    if identity:
        header += b"In-Reply-To: " + b" ".join(identity.split()) + b"\r\n"
    if thread:
        header += _header(("References", b" ".join(thread)))
    header += _header(
        # RFC 5230 §5.6: so that no other automaton answers.
        ("Auto-Submitted", b"auto-replied (vacation)"),
        ("Precedence", b"bulk"),
        ("X-Auto-Response-Suppress", b"All"),
        ("MIME-Version", b"1.0"),
    )
    if not mime:
        header += (
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        )
    return header + reason + b"\r\n"


def rejection(run: Run, reason: bytes) -> bytes:
    """The report that goes back to the sender: text, disposition notification, the header."""
    message, envelope = run.message, run.envelope
    start = _start(run)
    boundary = start[1][1].strip(b"<>").decode("ascii", "replace").replace("@", "/")
    postmaster = (
        run.settings.postmaster or f"postmaster@{run.environment.item('host') or 'localhost'}"
    )
    header = _header(
        *start,
        ("From", b"Postmaster " + _address(postmaster)),
        ("To", _address(envelope.sender)),
        ("Subject", b"Automatically rejected mail"),
        ("Auto-Submitted", b"auto-replied (rejected)"),
        ("Precedence", b"bulk"),
        ("MIME-Version", b"1.0"),
    )
    host = run.environment.item("host") or "localhost"
    original = envelope.original_recipient or envelope.recipient
    identity = next(iter(message.raw(b"message-id")), b"").strip()
    notification = (
        f"Reporting-UA: {host}; Dovecot Mail Delivery Agent\r\n"
        f"Original-Recipient: rfc822; {original}\r\n"
        f"Final-Recipient: rfc822; {envelope.recipient}\r\n"
    ).encode()
    if identity:
        notification += b"Original-Message-ID: " + b" ".join(identity.split()) + b"\r\n"
    notification += b"Disposition: automatic-action/MDN-sent-automatically; deleted\r\n"
    text = _REJECTED.format(recipient=envelope.recipient).encode() + reason + b"\r\n"
    plain = (
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: inline\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n"
    )
    parts = (
        plain + text,
        b"Content-Type: message/disposition-notification\r\n\r\n" + notification,
        # RFC 5429 §2.2.1 has the original's header or the whole of it there.
        b"Content-Type: message/rfc822\r\n\r\n" + message.part.header,
    )
    mark = b"--" + boundary.encode()
    kind = (
        b"Content-Type: multipart/report; report-type=disposition-notification;\r\n"
        b'\tboundary="' + boundary.encode() + b'"\r\n\r\n'
    )
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    return header + kind + b"This is a MIME-encapsulated message\r\n\r\n" + body
