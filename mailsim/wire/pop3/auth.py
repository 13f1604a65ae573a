"""AUTH: the command and the lines that follow it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from mailsim.errors import UsageError
from mailsim.secret import Secret
from mailsim.wire.pop3.commands import Form, line

_MECHANISM = re.compile(r"[A-Z0-9_-]{1,20}")
_TOKEN = re.compile(rb"[^\x00-\x20\x7f-\xff]+")


@dataclass(frozen=True, slots=True)
class Auth:
    """`AUTH mechanism [initial-response]` (RFC 5034).

    `initial` is the base64 text as it travels ("=" for an empty response), or
    None when the server is to ask first.  Without a mechanism, many servers list
    theirs, though no RFC says so.
    """

    mechanism: str | None = None
    initial: Secret | None = None

    verb: ClassVar[str] = "AUTH"

    def __post_init__(self) -> None:
        if self.mechanism is None:
            if self.initial is not None:
                raise UsageError("pop3.bad-mechanism", text="")
        elif not _MECHANISM.fullmatch(self.mechanism):
            raise UsageError("pop3.bad-mechanism", text=self.mechanism)
        if self.initial is not None and not _TOKEN.fullmatch(self.initial.reveal()):
            raise UsageError("pop3.bad-token")

    @property
    def form(self) -> Form:
        """A listing when no mechanism is named."""
        return Form.LISTING if self.mechanism is None else Form.SASL

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels."""
        more = [] if self.mechanism is None else [self.mechanism]
        if self.initial is not None:
            more.append(self.initial.reveal().decode("ascii"))
        return line(self.verb, *more)


@dataclass(frozen=True, slots=True)
class SaslAnswer:
    """A line between AUTH and its final answer: base64, or "*" to give up (RFC 5034)."""

    token: Secret

    verb: ClassVar[str] = "RESPONSE"
    form: ClassVar[Form] = Form.SASL

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels; the limit of 255 octets is not for it."""
        return (self.token.reveal() + b"\r\n",)
