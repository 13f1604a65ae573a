"""A message as the servers hand it on: envelope, who brought it, content."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end: as the connection came, or as XCLIENT said.

    `name` is "unknown" where the address has no name that leads back to it (Postfix);
    `reverse_name` the PTR's own.
    """

    address: str
    name: str = "unknown"
    reverse_name: str = "unknown"
    port: int = 0

    def __str__(self) -> str:
        return f"{self.name}[{self.address}]"


LOCALHOST = Client("127.0.0.1", "localhost", "localhost")
"""The server itself: its own programs, and what the filter gives back."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient, with what RCPT asked for (RFC 3461 §4): `notify` as given ("NEVER",
    "SUCCESS,FAILURE" …, "" if not given), `orcpt` ("rfc822;…")."""

    address: str
    notify: str = ""
    orcpt: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """What smtpd hands to cleanup once the content is there.

    `content` has CRLF line ends, dot-unstuffed, without the Received field that cleanup's
    caller adds; `sender` "" is the null reverse-path.  `service` is the smtpd that took it
    ("smtp", "submission", "submissions", "reinjection", "pickup", "peer").
    """

    sender: str
    recipients: tuple[Recipient, ...]
    content: bytes = field(repr=False)
    client: Client
    helo: str = ""
    protocol: str = "SMTP"
    """SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA, UTF8SMTP … (RFC 3848 §1, RFC 6531 §4.3)."""
    tls: str = ""
    """As Received shows it: "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"."""
    body: str = ""
    """"7BIT", "8BITMIME", "BINARYMIME" or ""."""
    smtputf8: bool = False
    envid: str = ""
    ret: str = ""
    service: str = "smtp"
    queue_id: str = ""
    """Where the server that took it has opened the queue file already, and logged so."""
    uid: int = 0
    """Of mail that a program on the server hands in (service "pickup"): whose it runs as."""
