"""bounce: notifications to the sender, multipart/report in Postfix's own form (RFC 3464 §2)."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailsim.servers.envelope import LOCALHOST, Recipient, Submission
from mailsim.servers.queue.fields import header_of
from mailsim.servers.queue.mail import Mail, Outcome

if TYPE_CHECKING:
    from mailsim.servers.world import World

# bounce_size_limit: of a bigger message the header alone goes back.
_BOUNCE_SIZE = 50_000
# Always, where smtputf8_enable = yes: addresses may be UTF-8.
_EIGHT = "Content-Transfer-Encoding: 8bit\n"
_DOUBLE_BOUNCE = "double-bounce"


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of notification: its Subject and its text for people."""

    subject: str
    body: str
    failure: bool


FAILURE = Template(
    "Undelivered Mail Returned to Sender",
    """This is the mail system at host {host}.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

For further assistance, please send mail to postmaster.

If you do so, please include this problem report. You can
delete your own text from the attached returned message.

                   The mail system
""",
    failure=True,
)
SUCCESS = Template(
    "Successful Mail Delivery Report",
    """This is the mail system at host {host}.

Your message was successfully delivered to the destination(s)
listed below. If the message was delivered to mailbox you will
receive no further notifications. Otherwise you may still receive
notifications of mail delivery errors from other systems.

                   The mail system
""",
    failure=False,
)


def failures(mail: Mail, outcomes: list[Outcome]) -> list[Outcome]:
    """The failed recipients that the sender is told of: NOTIFY not given, or with FAILURE
    (RFC 3461 §5.2.6); none for a bounce, of which no bounce is sent (RFC 5321 §4.5.5)."""
    if not mail.row.sender or mail.row.sender.startswith(f"{_DOUBLE_BOUNCE}@"):
        return []
    return [one for one in outcomes if _wants(one, "FAILURE", unasked=True)]


def successes(mail: Mail, outcomes: list[Outcome]) -> list[Outcome]:
    """The deliveries of which a report was asked for, unless the next MTA sends it."""
    if not mail.row.sender:
        return []
    return [one for one in outcomes if not one.reported and _wants(one, "SUCCESS", unasked=False)]


def _wants(one: Outcome, event: str, *, unasked: bool) -> bool:
    notify = one.recipient.notify.upper()
    return event in notify.split(",") if notify else unasked


def notification(
    world: World, mail: Mail, original: bytes, outcomes: list[Outcome], template: Template
) -> Submission:
    """The notification as cleanup takes it.  `original` is the message with our Received."""
    content = _content(world, mail, original, outcomes, template)
    return Submission(
        sender="",
        recipients=(Recipient(mail.row.sender, notify="NEVER"),),
        content=content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
        client=LOCALHOST,
        body="8BITMIME",
        smtputf8=mail.envelope.smtputf8,
        service="bounce",
    )


def _content(
    world: World, mail: Mail, original: bytes, outcomes: list[Outcome], template: Template
) -> bytes:
    row, config = mail.row, world.config
    boundary = f"{row.queue_id}.{int(world.clock.now())}/{config.myhostname}"
    parts = [
        _heading(world, mail, template, boundary),
        (
            f"\n--{boundary}\nContent-Description: Notification\n"
            f"Content-Type: text/plain; charset=utf-8\n{_EIGHT}\n"
        ),
        template.body.format(host=config.myhostname),
        *map(_reason, outcomes),
        _report(world, mail, outcomes, template, boundary),
    ]
    text = "".join(parts).encode("utf-8", "surrogateescape")
    return text + _original(mail, original, template, boundary)


def _heading(world: World, mail: Mail, template: Template, boundary: str) -> str:
    date, domain = world.clock.header(), world.config.mydomain
    lines = [
        f"Date: {date}",
        f"From: Mail Delivery System <MAILER-DAEMON@{domain}>",
        f"Subject: {template.subject}",
        f"To: {mail.row.sender}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        f'\tboundary="{boundary}"',
    ]
    return "\n".join(lines) + f"\n{_EIGHT}\nThis is a MIME-encapsulated message.\n"


def _reason(one: Outcome) -> str:
    via = f"delivery via {one.relay}: " if one.status == "sent" else ""
    expanded = f" (expanded from <{one.recipient.original}>)" if _before(one) else ""
    return "\n" + _wrapped(f"<{one.address}>{expanded}: {via}{one.reason}")


def _before(one: Outcome) -> str:
    """The recipient before aliases and maps, where it was another."""
    original = one.recipient.original
    return original if original.lower() != one.address.lower() else ""


def _wrapped(text: str) -> str:
    """Lines of 79 columns, all but the first indented by four."""
    lines = textwrap.wrap(
        text, 79, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return "".join(f"{line}\n" for line in lines)


def _report(
    world: World, mail: Mail, outcomes: list[Outcome], template: Template, boundary: str
) -> str:
    """message/delivery-status   ; RFC 3464 §2.1"""
    row, envelope = mail.row, mail.envelope
    kind, encoding = ("global-", _EIGHT) if envelope.smtputf8 else ("", "")
    host = world.config.myhostname
    envid = f"Original-Envelope-Id: {envelope.envid}\n" if envelope.envid else ""
    head = (
        f"\n--{boundary}\nContent-Description: Delivery report\n"
        f"Content-Type: message/{kind}delivery-status\n{encoding}\nReporting-MTA: dns; {host}\n{envid}"
        f"X-Postfix-Queue-ID: {row.queue_id}\nX-Postfix-Sender: rfc822; {row.sender}\n"
        f"Arrival-Date: {world.clock.header_at(row.arrival)}\n"
    )
    return head + "".join(_recipient(one, template) for one in outcomes)


def _recipient(one: Outcome, template: Template) -> str:
    """The fields of one recipient   ; RFC 3464 §2.3"""
    row = one.recipient
    original = row.orcpt or (f"rfc822;{row.original}" if row.original else "")
    # Sanitized here, as Postfix's bounce(8) does: a line end in an ORCPT would start a field.
    original = "".join(c if c.isprintable() else "?" for c in original)
    action = "failed" if template.failure else one.action
    text = f"\nFinal-Recipient: rfc822; {one.address}\n"
    text += f"Original-Recipient: {original}\n" if original else ""
    text += f"Action: {action}\nStatus: {one.dsn}\n"
    text += _wrapped(f"Remote-MTA: dns; {one.remote}") if one.remote else ""
    if one.diagnostic:
        return text + _wrapped(f"Diagnostic-Code: smtp; {one.diagnostic}")
    return text + _wrapped(f"Diagnostic-Code: X-Postfix; {one.reason}")


def _original(mail: Mail, original: bytes, template: Template, boundary: str) -> bytes:
    """The message that failed, or its header alone (RET=HDRS, RFC 3461 §4.3)."""
    short = mail.envelope.ret.upper() == "HDRS" or not template.failure
    short = short or len(original) > _BOUNCE_SIZE
    what = "Message Headers" if short else "Message"
    kind = "text/rfc822-headers" if short else "message/rfc822"
    if mail.envelope.smtputf8:
        kind = "message/global-headers" if short else "message/global"
    undelivered = "Undelivered " if template.failure else ""
    head = (
        f"\n--{boundary}\nContent-Description: {undelivered}{what}\nContent-Type: {kind}\n"
        f"{_EIGHT}\nReturn-Path: <{mail.row.sender}>\n"
    )
    body = header_of(original) if short else original
    return b"".join((head.encode(), body, f"\n--{boundary}--\n".encode()))
