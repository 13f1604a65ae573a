"""What is to be delivered, as the control port gives it: from JSON to a Submission."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from mailsim.lab.arguments import UNWRITABLE
from mailsim.lab.errors import bad_request
from mailsim.servers.envelope import LOCALHOST, Recipient, Submission
from mailsim.wire.content import crlf


def submission(content: str, sender: str, recipients: list[Any]) -> Submission:
    """As a program on the server would submit it; `content` is base64.  Raises UsageError."""
    _check_envelope(sender, recipients)
    return Submission(
        sender=sender,
        recipients=tuple(Recipient(one) for one in recipients),
        content=_content(content),
        client=LOCALHOST,
        service="pickup",
    )


def _check_envelope(sender: str, recipients: list[Any]) -> None:
    if UNWRITABLE.search(sender):
        raise bad_request("deliver", "sender")
    if not recipients or not all(isinstance(one, str) and one for one in recipients):
        raise bad_request("deliver", "recipients")
    if any(UNWRITABLE.search(one) for one in recipients):
        raise bad_request("deliver", "recipients")


def _content(text: str) -> bytes:
    try:
        return crlf(b64decode(text, validate=True))
    except ValueError:
        raise bad_request("deliver", "content") from None


def bare(message_id: str) -> str:
    """A Message-ID as whoever asks for a message writes it: without its angle brackets."""
    return message_id.strip().removeprefix("<").removesuffix(">")
