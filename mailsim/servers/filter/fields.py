"""The header fields that Amavis adds, as amavis 2.13 writes and folds them."""

from __future__ import annotations

import re

from mailsim.servers.config import AMAVIS

WIDTH = 78  # RFC 5322 §2.1.1
# remove_existing_spam_headers: whoever sends may not say for us that it is no spam.
_OWN = (
    "X-Spam-Status", "X-Spam-Level", "X-Spam-Flag", "X-Spam-Score",
    "X-Spam-Report", "X-Spam-Checker-Version", "X-Spam-Tests",
)  # fmt: skip
_OWN_FIELDS = re.compile(
    rb"^(?:" + "|".join(_OWN).encode() + rb")[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*+",
    re.IGNORECASE | re.MULTILINE,
)
_SUBJECT = re.compile(rb"^(Subject)[ \t]*:[ \t]*", re.IGNORECASE | re.MULTILINE)


def fold(name: str, chunks: list[str]) -> str:
    """`Name: value`, folded between chunks where a line would pass WIDTH; with CRLF."""
    lines = [f"{name}:"]
    for chunk in chunks:
        if len(lines[-1]) + 1 + len(chunk) <= WIDTH or lines[-1] == f"{name}:":
            lines[-1] += f" {chunk}" if chunk else ""
        else:
            lines.append(f" {chunk}")
    return "\r\n".join(lines) + "\r\n"


def unstructured(name: str, value: str) -> str:
    """A field that may be folded at any space."""
    return fold(name, value.split(" "))


def received(host: str, mail_id: str, recipient: str, date: str) -> str:
    """Amavis's own trace; `recipient` "" where there are several, for one must not learn of another."""
    chunks = [f"from {host} ([127.0.0.1])", f"by localhost ({host} [127.0.0.1]) (amavis, port {AMAVIS})",
              "with ESMTP", f"id {mail_id}"]  # fmt: skip
    chunks += [f"for <{recipient}>"] if recipient else []
    chunks[-1] += ";"
    return fold("Received", [*chunks, date])


def without_spam_fields(head: bytes) -> bytes:
    """The header section without the X-Spam fields of others."""
    return _OWN_FIELDS.sub(b"", head) if b"X-SPAM-" in head.upper() else head


def with_subject_tag(head: bytes, tag: str) -> bytes:
    """The header section with `tag` before the subject; a subject that was missing is made."""
    octets = tag.encode("utf-8")
    if _SUBJECT.search(head):
        return _SUBJECT.sub(lambda found: found.group(1) + b": " + octets, head, count=1)
    return head + b"Subject: " + octets.rstrip() + b"\r\n"
