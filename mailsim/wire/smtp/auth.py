"""AUTH: the command and the lines that follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailsim.secret import Secret
from mailsim.wire.smtp.commands import line


@dataclass(frozen=True, slots=True)
class Auth:
    """AUTH SP mechanism [SP initial-response] CRLF   ; RFC 4954

    `initial` is the base64 text as it travels ("=" for an empty response), or
    None when the server is to ask first.
    """

    mechanism: str
    initial: Secret | None = None

    verb: ClassVar[str] = "AUTH"

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels."""
        if self.initial is None:
            return line("AUTH", self.mechanism)
        return line("AUTH", f"{self.mechanism} {self.initial.reveal().decode('ascii')}")


@dataclass(frozen=True, slots=True)
class SaslAnswer:
    """A line between AUTH and its final reply: base64, or "*" to give up."""

    token: Secret

    verb: ClassVar[str] = "RESPONSE"

    def units(self) -> tuple[bytes, ...]:
        """The line as it travels."""
        return (self.token.reveal() + b"\r\n",)
