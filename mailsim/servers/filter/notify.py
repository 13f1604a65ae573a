"""What Amavis itself sends: the alert to the administrator (CLM5), the bounce to the sender.

In the words of amavis 2.13's templates; the bounce's advice is shortened.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailsim.servers.envelope import LOCALHOST, Client, Recipient, Submission
from mailsim.servers.filter.fields import fold, unstructured
from mailsim.servers.filter.message import Head, decode_words
from mailsim.servers.filter.virus import SCANNER
from mailsim.servers.log import printable

_LONGEST_VALUE = 500
_STOPPED = "Delivery of the email was stopped!\n"
_ADVICE = f"""\
{_STOPPED}
The message has been blocked because it contains a component
(as a MIME part or nested within) with declared name
or MIME type or contents type violating our access policy.
"""
_VIRUS_ADVICE = f"""\
{_STOPPED}
Please check your system for viruses,
or ask your system administrator to do so.
"""


@dataclass(frozen=True, slots=True)
class Blocked:
    """What there is to tell of a message: `kind` "Virus", "Banned", "Unchecked"; `what` its name."""

    kind: str
    what: str
    am_id: str
    mail_id: str
    sender: str
    recipients: tuple[str, ...]
    client: Client
    head: Head
    quarantine: str
    response: str
    """The answer for each recipient, "" if the message was relayed."""
    host: str
    date: str
    boundary: str
    virus: bool = False

    @property
    def address(self) -> str:
        """`[192.168.20.1]:40000`"""
        return f"[{self.client.address}]" + (f":{self.client.port}" if self.client.port else "")


def alert(about: Blocked, admin: str) -> Submission:
    """The notification to the administrator."""
    subject = f"{_MAIL[about.kind].format(about.what)} FROM {about.address} <{about.sender}>"
    top = [
        fold("Content-Type", ["multipart/mixed;", f'boundary="{about.boundary}"']),
        _common(about),
        unstructured("Subject", subject),
        f"To: <{admin}>\r\n",
        f"Message-ID: <VA{about.mail_id}@{about.host}>\r\n",
    ]
    return _submission(admin, "".join(top), about, [_text(_alert_text(about)), _header(about)])


_MAIL = {
    "Virus": "VIRUS ({}) in mail",
    "Banned": "BANNED contents ({}) in mail",
    "Unchecked": "UNCHECKED contents in mail",
}


def _alert_text(about: Blocked) -> str:
    found = [f"A virus was found: {about.what}", "", f"Scanner detecting a virus: {SCANNER}", ""]
    if not about.virus:
        found = ["No viruses were found.", ""]
        found += [f"Banned name: {about.what}"] if about.kind == "Banned" else []
    outcome = ["The message WILL BE relayed to:", *(f"<{one}>" for one in about.recipients)]
    if about.response:
        outcome = ["The message WAS NOT relayed to:"]
        outcome += [f"<{one}>:\n   {about.response.lower()}" for one in about.recipients]
    kept = f"The message has been quarantined as: {about.quarantine}"
    return "\n".join([
        *found, f"Content type: {about.kind}", *_origin(about),
        kept if about.quarantine else "Not quarantined.", "", *outcome, "",
        *(["Virus scanner output:", f"  p001: {about.what} FOUND", ""] if about.virus else []),
    ])  # fmt: skip


def _origin(about: Blocked) -> list[str]:
    rows = [
        f"Internal reference code for the message is {about.am_id}/{about.mail_id}", "",
        f"First upstream SMTP client IP address: {about.address} {about.client.name}", "",
        f"Received trace: ESMTP://{about.address}", "",
        f"Return-Path: <{about.sender}>",
    ]  # fmt: skip
    for name in ("From", "Message-ID", "Subject"):
        value = about.head.get(name.lower())
        rows += [f"{name}: {_safe(decode_words(value))}"] if value else []
    return rows


def _safe(value: str) -> str:
    return printable(value[:_LONGEST_VALUE])


def bounce(about: Blocked) -> Submission:
    """The delivery status notification to the sender   ; RFC 3464 §2"""
    kind = [
        "multipart/report;",
        "report-type=delivery-status;",
        f'boundary="{about.boundary}"',
    ]
    subject = _BOUNCES[about.kind][0].format(about.what)
    message_id = about.head.get("message-id")
    top = [
        fold("Content-Type", kind),
        _common(about),
        unstructured("Subject", subject),
        f"In-Reply-To: {_safe(message_id)}\r\n" if message_id and message_id.isascii() else "",
        f"Message-ID: <VS{about.mail_id}@{about.host}>\r\n",
        f"To: <{about.sender}>\r\n",
    ]
    parts = [_text(_bounce_text(about)), _status(about), _header(about)]
    return _submission(about.sender, "".join(top), about, parts)


_BOUNCES = {
    "Virus": ("VIRUS in message apparently from you ({})", "VIRUS ALERT", "virus", _VIRUS_ADVICE),
    "Banned": ("BANNED contents from you ({})", "BANNED CONTENTS ALERT", "banned name", _ADVICE),
    "Spam": ("Spam claiming to be from you", "Spam", "", _STOPPED),
    "BadHdr": ("BAD-HEADER in message from you", "INVALID HEADER", "", _STOPPED),
}


def _bounce_text(about: Blocked) -> str:
    _, title, found, advice = _BOUNCES[about.kind]
    what = [f"    {found}: {about.what}"] if found else []
    plural = "s" if len(about.recipients) > 1 else ""
    return "\n".join([
        title, "", "Our content checker found", *what, "",
        f"in email presumably from you <{about.sender}>",
        f"to the following recipient{plural}:", *(f"-> {one}" for one in about.recipients), "",
        *_origin(about), "", advice,
    ])  # fmt: skip


def _status(about: Blocked) -> str:
    code = about.response.split(" ", 2)[1]
    rows = [
        'Content-Type: message/delivery-status; name="dsn_status.dsn"',
        'Content-Disposition: inline; filename="dsn_status.dsn"',
        "Content-Transfer-Encoding: 7bit",
        "Content-Description: Delivery error report",
        "",
        f"Reporting-MTA: dns; {about.host}",
        f"Received-From-MTA: dns; {about.host} ([127.0.0.1])",
        f"Arrival-Date: {about.date}",
    ]
    for one in about.recipients:
        rows += [
            "",
            f"Final-Recipient: rfc822;{one}",
            "Action: failed",
            f"Status: {code}",
            f"Diagnostic-Code: smtp; {about.response}",
            f"Last-Attempt-Date: {about.date}",
            f"Final-Log-ID: {about.am_id}/{about.mail_id}",
        ]
    return "\n".join([*rows, ""])


def _common(about: Blocked) -> str:
    return (
        "Content-Transfer-Encoding: 8bit\r\n"
        "MIME-Version: 1.0\r\n"
        f'From: "Content-filter at {about.host}" <postmaster@{about.host}>\r\n'
        f"Date: {about.date}\r\n"
    )


def _text(text: str) -> str:
    encoding = "7bit" if text.isascii() else "8bit"
    charset = "" if text.isascii() else "Content-Type: text/plain; charset=utf-8\n"
    return (
        f"{charset}Content-Disposition: inline\nContent-Transfer-Encoding: {encoding}\n\n{text}\n"
    )


def _header(about: Blocked) -> str:
    raw = about.head.raw.decode("utf-8", "replace").replace("\r\n", "\n")
    return (
        'Content-Type: text/rfc822-headers; name="header.hdr"\n'
        'Content-Disposition: inline; filename="header.hdr"\n'
        "Content-Transfer-Encoding: 7bit\n"
        "Content-Description: Message header section\n\n"
        f"Return-Path: <{about.sender}>\n{raw}"
    )


def _submission(to: str, top: str, about: Blocked, parts: list[str]) -> Submission:
    body = ["\r\nThis is a multi-part message in MIME format...\r\n\r\n"]
    for part in parts:
        text = part.replace("\r", "").replace("\n", "\r\n")
        body.append(f"--{about.boundary}\r\n{text}\r\n")
    body.append(f"--{about.boundary}--\r\n")
    return Submission(
        sender="",
        recipients=(Recipient(to),),
        content=(top + "".join(body)).encode("utf-8", "surrogateescape"),
        client=LOCALHOST,
        helo="localhost",
        protocol="ESMTP",
        service="reinjection",
    )
