"""What one connection is known by: who the client is, what it has said, what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailsim.servers.envelope import Client, Recipient

SMTP, ESMTP = "SMTP", "ESMTP"
CONNECT, UNKNOWN = "CONNECT", "UNKNOWN"
DATA_CONTENT, BDAT_CONTENT, END_OF_MESSAGE = "DATA content", "BDAT content", "END-OF-MESSAGE"


@dataclass(slots=True)
class Transaction:
    """What MAIL began.  `chunks` is None until the first BDAT."""

    sender: str
    body: str = ""
    smtputf8: bool = False
    envid: str = ""
    ret: str = ""
    sasl_sender: str = ""
    queue_id: str = ""
    """From the first accepted recipient on (smtpd_delay_open_until_valid_rcpt)."""
    recipients: list[Recipient] = field(default_factory=list)
    overshoot: int = 0
    chunks: list[bytes] | None = None
    size: int = 0
    """Of the chunks so far, in octets."""
    announced: int = 0
    """What SIZE= said."""


@dataclass(slots=True)
class State:
    """One connection as restrictions and log lines see it."""

    client: Client
    where: str = CONNECT
    """The command being processed, as the log names it."""
    helo: str | None = None
    protocol: str = SMTP
    mail: Transaction | None = None
    left: Transaction | None = None
    """What a refused MAIL said: Postfix forgets its SIZE, BODY and AUTH only with RSET."""
    broken_chunks: bool = False
    """A BDAT failed: chunks are thrown away until BDAT LAST or RSET."""
    tls: str = ""
    """As Received shows it; "" in the clear."""
    sasl_active: bool = False
    sasl_username: str = ""
    sasl_method: str = ""
    illegal_pipelining: bool = False
    xclient_allowed: bool = False
    access_denied: bool = False
    """The client was refused at once (smtpd_delay_reject = no)."""
    errors: int = 0
    junk: int = 0
    blocked: dict[str, str | None] = field(default_factory=dict)
    """What block lists said: a query's name → its reason, None where it is not listed."""

    @property
    def with_protocol(self) -> str:
        """The "with" of Received: ESMTP, ESMTPS, ESMTPA, ESMTPSA (RFC 3848 §1), UTF8SMTP…"""
        name = "UTF8SMTP" if self.mail and self.mail.smtputf8 else self.protocol
        if self.protocol != ESMTP:
            return name
        return name + ("S" if self.tls else "") + ("A" if self.sasl_username else "")

    @property
    def queue_id(self) -> str:
        """As log lines name the message."""
        return (self.mail.queue_id if self.mail else "") or "NOQUEUE"

    def reset(self) -> None:
        """Forget the transaction, as RSET does."""
        self.mail = self.left = None
        self.broken_chunks = False
