"""The messages that Sieve writes: vacation's reply (RFC 5230 §5) and reject's report (RFC 5429 §2.2.1)."""

from __future__ import annotations

from mailsim.protocol.sieve.calendar import Moment
from mailsim.protocol.sieve.fields import written
from mailsim.protocol.sieve.running import Run


def _header(*fields: tuple[str, bytes]) -> bytes:
    return b"".join(written(name.encode(), value) for name, value in fields)


def _start(run: Run) -> list[tuple[str, bytes]]:
    now = Moment(int(run.environment.now()), run.environment.zone())
    return [
        ("X-Sieve", run.settings.implementation.encode()),
        ("Message-ID", run.environment.new_message_id().encode()),
        ("Date", now.std11.encode()),
    ]


def vacation_reply(
    run: Run, *, sender: bytes, to: bytes, subject: bytes, reason: bytes, mime: bool
) -> bytes:
    """The reply, whole.  `sender` and `to` are field bodies; `reason` a MIME entity if `mime`."""
    message = run.message
    fields = [*_start(run), ("From", sender)]
    header = _header(*fields) + b"To: " + to + b"\r\n" + _header(("Subject", subject))
    identity = next(iter(message.raw(b"message-id")), b"").strip()
    identity = b" ".join(identity.split())
    if identity:
        header += _header(("In-Reply-To", identity))
    # The original's References, folds and all, and its own id behind them (RFC 5230 §5.8).
    lines = next(iter(message.raw(b"references")), b"").splitlines()
    thread = b"\n".join(one for line in lines if (one := b" ".join(line.split())))
    if thread or identity:
        header += _header(("References", b" ".join(one for one in (thread, identity) if one)))
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
    """The report that goes back to the sender, as Dovecot's LMTP server writes it: text, disposition
    notification, the header of the message; nothing where the sender is the null path.
    """
    if not run.envelope.sender:
        return b""
    _, identity, date = _start(run)
    host = run.environment.item("host") or "localhost"
    postmaster = run.settings.postmaster or f"postmaster@{host}"
    digits = "".join(filter(str.isdigit, identity[1].decode("latin-1")))
    boundary = f"{int(digits or '0') % 100_000}/{host}".encode()
    subject = b" ".join(next(iter(run.message.raw(b"subject")), b"").split())
    header = _header(
        identity,
        date,
        ("From", f"Postmaster <{postmaster}>".encode()),
        ("To", f"<{run.envelope.sender}>".encode()),
        ("MIME-Version", b"1.0"),
        (
            "Content-Type",
            b"multipart/report; report-type=disposition-notification;\n"
            b'boundary="' + boundary + b'"',
        ),
        ("Subject", b"Rejected: " + subject),
        ("Auto-Submitted", b"auto-replied (rejected)"),
        ("Precedence", b"bulk"),
    )
    text = f"Your message to <{run.envelope.recipient}> was automatically rejected:\r\n".encode()
    return (
        header
        + b"\r\nThis is a MIME-encapsulated message\r\n\r\n--" + boundary + b"\r\n"
        + b"Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: inline\r\n"
        + b"Content-Transfer-Encoding: 8bit\r\n\r\n"
        + text + reason + b"\r\n--" + boundary + b"\r\n"
        + b"Content-Type: message/disposition-notification\r\n\r\n"
        + _notification(run, host) + b"\r\n--" + boundary + b"\r\n"
        # RFC 5429 §2.2.1 has the original's header there.
        + b"Content-Type: message/rfc822\r\n\r\n"
        + run.message.part.header + b"\r\n\r\n--" + boundary + b"--\r\n"
    )  # fmt: skip


def _notification(run: Run, host: str) -> bytes:
    """The fields of a disposition notification (RFC 8098 §3.1)."""
    envelope = run.envelope
    fields = [f"Reporting-UA: {host}; Dovecot Mail Delivery Agent"]
    if envelope.original_recipient.lower() not in ("", envelope.recipient.lower()):
        fields.append(f"Original-Recipient: rfc822; {envelope.original_recipient}")
    fields.append(f"Final-Recipient: rfc822; {envelope.recipient}")
    octets = "".join(f"{one}\r\n" for one in fields).encode("utf-8", "surrogateescape")
    identity = b" ".join(next(iter(run.message.raw(b"message-id")), b"").split())
    if identity:
        octets += b"Original-Message-ID: " + identity + b"\r\n"
    return octets + b"Disposition: automatic-action/MDN-sent-automatically; deleted\r\n"
