"""What a text means that a person types: a reply, a code, a command, a capability, a wording."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from mailsim.dialogue.explain.explainer import Explainer
from mailsim.dialogue.explain.imap import ImapExplainer
from mailsim.dialogue.explain.lookup import enhanced, first, keyword, known, wording
from mailsim.dialogue.explain.managesieve import ManageSieveExplainer
from mailsim.dialogue.explain.pop3 import Pop3Explainer
from mailsim.dialogue.explain.smtp import SmtpExplainer
from mailsim.dialogue.explain.text_values import Meaning, TextExplanation
from mailsim.dialogue.explain.words import (
    PROTOCOLS,
    free_wordings,
    near,
    protocol_of,
    words,
)
from mailsim.errors import UsageError
from mailsim.knowledge import Entry

_SIDE = re.compile(r"[CS][:|] ?(?=\S)")
_REPLY = re.compile(r"([2-5]\d\d)(?:[ -]+(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245xX])\.(\d{1,3})\.(\d{1,3})(?:[ :]+(.*))?", re.DOTALL)
_PORT = re.compile(
    r"(?:(?P<before>tcp|udp)[ /])?(?P<word>port )?(?P<number>\d{1,5})(?:/(?P<after>tcp|udp))?",
    re.IGNORECASE,
)
_POP3 = re.compile(r"(?:[+] ?OK|-ERR|[+])(?=\s|$)", re.IGNORECASE)
_IMAP = re.compile(r"(?:\*|[^\s()*+{}\[\]\"]+) (?:OK|NO|BAD|BYE|PREAUTH)(?:\s|$)|\* .|[+](?:\s|$)")
# A tag of one letter, as RFCs have it, needs a verb in capitals: "a list" is English.
_IMAP_COMMAND = re.compile(r"[A-Za-z]*\d+ +(?:UID +)?[A-Za-z]+|[a-z] +(?:UID +)?[A-Z]+\b")
_UNTAGGED = re.compile(r"(OK|NO|BAD|BYE|PREAUTH)\b\s*(.?)")
# A reply that a log quotes, and what the log says behind it.
_QUOTED = re.compile(r"[:(] ?([2-5]\d\d[ -][245]\.\d{1,3}\.\d{1,3} .+)")
_BEHIND = re.compile(r"; from=<| \(in reply to | \(host |\)$")
_DSN = re.compile(r"\bdsn=([245]\.\d{1,3}\.\d{1,3})\b")
_SIEVE_LINE = re.compile(r'"[^"]+"(?: "[^"]*")?')

_Finder = Callable[[str], Iterator[Meaning]]


def explain_text(text: str, protocol: str | None = None) -> TextExplanation:
    """What `text` means, in every protocol that has it, or in `protocol` alone.

    Accepted are replies and responses as they travel, reply codes, enhanced codes
    ("5.7.1", "X.7.1"), commands, capabilities, response codes, header fields, mechanisms,
    DNS types and rcodes, ports ("port 587"), settings and restrictions of Postfix and
    Dovecot, wordings of theirs, the thesis's faults and inventory ids.  Raises UsageError
    for a text that is empty or unknown (it names what is near) and for an unknown protocol.
    """
    wanted = (protocol or "").lower()
    if wanted and wanted not in PROTOCOLS:
        raise UsageError(
            "dialogue.explain-protocol", protocol=protocol, accepted=", ".join(PROTOCOLS)
        )
    line = _SIDE.sub("", next(iter(text.strip().splitlines()), ""), count=1).strip()
    if not line:
        raise UsageError("dialogue.explain-empty")
    meanings = _narrowed(_meanings(line), PROTOCOLS.get(wanted, ""))
    if not meanings:
        close = near(line, PROTOCOLS.get(wanted, ""))
        message = "dialogue.explain-near" if close else "dialogue.explain-unknown"
        raise UsageError(message, text=line[:60], near=", ".join(close))
    return TextExplanation(line, meanings)


def _meanings(line: str) -> Iterator[Meaning]:
    """The meanings by the first way of reading that finds any; a bare number has two ways."""
    for group in (
        (_reply, _ports),
        (_enhanced,),
        (_pop3, _imap, _untagged, _sieve),
        (_logged,),
        (_words,),
        (_wordings,),
        (_commands,),
    ):
        found = [meaning for finder in group for meaning in finder(line)]
        if found:
            yield from found
            return


def _narrowed(meanings: Iterable[Meaning], wanted: str) -> tuple[Meaning, ...]:
    found = tuple(dict.fromkeys(_Same(one) for one in meanings))
    own = tuple(one.meaning for one in found if one.meaning.protocol == wanted)
    shared = tuple(one.meaning for one in found if not one.meaning.protocol)
    return (own or shared) if wanted else tuple(one.meaning for one in found)


class _Same:
    """Meanings are the same when they are found in the same entries."""

    __slots__ = ("_key", "meaning")

    def __init__(self, meaning: Meaning) -> None:
        self.meaning = meaning
        self._key = (meaning.protocol, *(entry.id for entry in meaning.entries))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


# --- Ways of reading -----------------------------------------------------------------------------


def _reply(line: str) -> Iterator[Meaning]:
    found = _REPLY.fullmatch(line)
    if found is None:
        return
    code, text = found.group(1), (found.group(2) or "").strip()
    if not text and not known("smtp.reply", code) and known("port.tcp", code):
        return
    yield smtp_reply(code, text)


def smtp_reply(code: str, text: str) -> Meaning:
    """A reply of SMTP, its code and what stands behind it."""
    extension = keyword("smtp.extension", text.partition(" ")[0]) if code == "250" else ()
    said = SmtpExplainer().reply(code, text)
    code_class = one(first("smtp.class", code[0]))
    subject = one(first("smtp.category", code[1]))
    detail = _ENHANCED.match(text)
    if detail:
        code_class = one(first("enhanced.class", detail.group(1))) or code_class
        subject = one(first("enhanced.subject", detail.group(2))) or subject
    known_detail = one(enhanced(text)[0]) if detail else None
    # A code alone is asked for as a code, not as the line that it opens.
    entries = tuple(x for x in said.entries if text or ".line." not in x.id)
    return Meaning("smtp", extension + entries, code_class, subject, known_detail, said.values)


def one(entries: tuple[Entry, ...]) -> Entry | None:
    """The only entry, or None."""
    return entries[0] if entries else None


def _ports(line: str) -> Iterator[Meaning]:
    found = _PORT.fullmatch(line)
    if found is None:
        return
    transport = (found["before"] or found["after"] or "").lower()
    for table in (transport,) if transport else ("tcp", "udp"):
        if entries := first(f"port.{table}", found["number"]):
            yield Meaning("", entries)


def _enhanced(line: str) -> Iterator[Meaning]:
    found = _ENHANCED.fullmatch(line)
    if found is None:
        return
    digit, subject, detail, text = found.groups(default="")
    said = wording("smtp", text, code=f"{digit}.{subject}.{detail}") if text else None
    code = first("enhanced.code", f"X.{int(subject)}.{int(detail)}")
    class_ = first("enhanced.class", digit)
    subjects = first("enhanced.subject", str(int(subject)))
    entries = ((said[0],) if said else ()) + code + (() if code else subjects) + class_
    if entries:
        values = said[1] if said else {}
        yield Meaning("smtp", entries, one(class_), one(subjects), one(code), values)


def _logged(line: str) -> Iterator[Meaning]:
    """What a line of Postfix's log quotes: a reply, or the status of a delivery."""
    if quoted := _QUOTED.search(line):
        yield from _reply(_BEHIND.split(quoted.group(1))[0])
    elif status := _DSN.search(line):
        yield from _enhanced(status.group(1))


def _pop3(line: str) -> Iterator[Meaning]:
    if _POP3.match(line):
        yield from _response(Pop3Explainer(), "pop3", line)


def _imap(line: str) -> Iterator[Meaning]:
    if _IMAP.match(line):
        yield from _response(ImapExplainer(), "imap", line)
    elif _IMAP_COMMAND.match(line):
        said = ImapExplainer().client(f"{line}\r\n".encode("utf-8", "replace"))
        if not said.entries[0].id.endswith(".UNKNOWN-COMMAND"):
            yield Meaning("imap", said.entries)


def _untagged(line: str) -> Iterator[Meaning]:
    found = _UNTAGGED.match(line)
    if found is None:
        return
    # A code stands in brackets in IMAP, in parentheses in ManageSieve.
    if found.group(2) not in {"(", '"'}:
        yield from _response(ImapExplainer(), "imap", f"a1 {line}")
    if found.group(2) != "[" and known("managesieve.status", found.group(1)):
        yield from _response(ManageSieveExplainer(), "managesieve", line)


def _sieve(line: str) -> Iterator[Meaning]:
    if _SIEVE_LINE.fullmatch(line):
        yield from _response(ManageSieveExplainer(), "managesieve", line)


def _response(explainer: Explainer, protocol: str, line: str) -> Iterator[Meaning]:
    explainer.greeted = True
    said = explainer.server(f"{line}\r\n".encode("utf-8", "replace"))
    if said.entries:
        status = next((x for x in said.entries if ".status." in x.id), None)
        code = next((x for x in said.entries if ".code." in x.id), None)
        yield Meaning(protocol, said.entries, status, None, code, said.values)


def _words(line: str) -> Iterator[Meaning]:
    for protocol, entries in words(line):
        yield Meaning(protocol, entries)


def _wordings(line: str) -> Iterator[Meaning]:
    for entry, values in free_wordings(line):
        code, enhanced_code = str(entry.data.get("code", "")), str(entry.data.get("enhanced", ""))
        protocol = str(entry.data["protocol"])
        if protocol == "smtp" and code.isdecimal():
            said = smtp_reply(code, f"{enhanced_code} -".removeprefix(" "))
            rest = tuple(x for x in said.entries if not x.id.startswith("wording."))
            yield Meaning("smtp", (entry, *rest), said.class_, said.subject, said.detail, values)
        else:
            status = first(f"{protocol_of(protocol)}.status", code)
            yield Meaning(protocol_of(protocol), (entry, *status), one(status), values=values)


_VERBS: Final = (
    ("smtp", SmtpExplainer),
    ("pop3", Pop3Explainer),
    ("managesieve", ManageSieveExplainer),
)


def _commands(line: str) -> Iterator[Meaning]:
    """A command with its arguments; in IMAP without its tag."""
    raw = line.encode("utf-8", "replace") + b"\r\n"
    for protocol, make in _VERBS:
        entries = make().client(raw).entries
        if not entries[0].id.endswith(".UNKNOWN-COMMAND"):
            yield Meaning(protocol, entries)
    entries = ImapExplainer().client(b"a1 " + raw).entries
    if not entries[0].id.endswith(".UNKNOWN-COMMAND"):
        yield Meaning("imap", entries)
