"""The base subject: what is left of a subject without "Re:", "[list]" and "(fwd)" (RFC 5256 §2.1)."""

from __future__ import annotations

import re

from mailsim.servers.imap.casing import folded
from mailsim.wire.mime.words import decode_words

_SPACE = re.compile(r"[ \t\r\n]+")
_TRAILER = " "
_FORWARDED = "(FWD)"
# subj-leader = (*subj-blob subj-refwd) / WSP; the cases are folded, so capitals are all there is.
_BLOB = r"\[[^\[\]]*+\] ?"
_LEADER = re.compile(rf"(?:{_BLOB})*+(?:RE|FWD|FW) ?(?:{_BLOB})?+:")
_BLOBS = re.compile(rf"(?:{_BLOB})++")


def base_subject(field: bytes) -> tuple[str, bool]:
    """The base subject, comparable; and whether the subject was that of a reply or forward.

    The steps' numbers are RFC 5256 §2.1's.
    """
    text = _SPACE.sub(" ", folded(decode_words(field)))  # (1)
    at, end, answers = 0, len(text), False
    while True:
        end, trailed = _without_trailers(text, at, end)  # (2)
        at, led = _without_leaders(text, at, end)  # (3) to (5)
        answers = answers or trailed or led
        if not text.startswith("[FWD:", at, end) or text[end - 1] != "]":
            return text[at:end], answers
        at, end, answers = at + 5, end - 1, True  # (6)


def _without_trailers(text: str, at: int, end: int) -> tuple[int, bool]:
    """subj-trailer = "(fwd)" / WSP"""
    forwarded = False
    while end > at:
        if text[end - 1] == " ":
            end -= 1
        elif text.endswith(_FORWARDED, 0, end):
            end -= len(_FORWARDED)
            forwarded = True
        else:
            break
    return max(at, end), forwarded


def _without_leaders(text: str, at: int, end: int) -> tuple[int, bool]:
    """Without subj-leader and, where something follows, subj-blob, as often as they are there."""
    answers = False
    while True:
        if text.startswith(" ", at, end):
            at += 1
        elif match := _LEADER.match(text, at, end):
            at = match.end()
            answers = True
        elif (match := _BLOBS.match(text, at, end)) and (rest := _rest(text, match)) > at:
            at = rest
        else:
            return at, answers


def _rest(text: str, blobs: re.Match[str]) -> int:
    """Where the text behind the blobs begins; if there is none, the last blob is it."""
    return blobs.end() if blobs.end() < blobs.endpos else text.rindex("[", 0, blobs.end())
