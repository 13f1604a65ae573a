"""Message content as lines that travel: CRLF, and no line that is a lone dot.

SMTP and POP3 stuff dots alike (RFC 5321 §4.5.2, RFC 1939 §3).
"""

from __future__ import annotations

from email.message import Message

END_OF_DATA = b".\r\n"


def crlf(message: str | bytes | Message) -> bytes:
    """A message as it may travel: every line end is CRLF, the last line has one.

    Bare CR and bare LF become CRLF (RFC 5321 §2.3.8 allows neither alone); to
    send them as they are, use `send_raw()`.
    """
    if isinstance(message, Message):
        message = message.as_bytes()
    raw = message.encode("utf-8", "surrogateescape") if isinstance(message, str) else message
    raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return raw if raw.endswith(b"\r\n") or not raw else raw + b"\r\n"


def dot_stuff(content: bytes) -> bytes:
    """Double the dot at the beginning of each line (RFC 5321 §4.5.2)."""
    if content[:1] != b"." and b"\n." not in content:
        return content
    return (b"." if content[:1] == b"." else b"") + content.replace(b"\n.", b"\n..")


def dot_unstuff(content: bytes) -> bytes:
    """Take off the first dot of each line that begins with one (RFC 5321 §4.5.2)."""
    if content[:1] != b"." and b"\n." not in content:
        return content
    return content[1 if content[:1] == b"." else 0 :].replace(b"\n.", b"\n")
