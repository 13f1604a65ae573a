"""IMAP: every command of the transition table in every state, right and wrong."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from mailsim.protocol import imap
from tests.fidelity.conversation import REFUSED, STARTTLS, Probe, State

USER: Final = "user"
_LOGIN: Final = f"LOGIN {USER} {{password {USER}}}"
MESSAGE: Final = b"From: a@b.sn\r\nSubject: essai\r\n\r\nbonjour\r\n"


def _plain(user: str, password: str) -> str:
    return b64encode(f"\0{user}\0{password}".encode()).decode()


def _parts(*lines: str | bytes, moves: bool = False) -> Probe:
    """A command in several pieces, each sent where the server asks for it."""
    pieces = [one.encode() if isinstance(one, str) else one for one in lines]
    named = " / ".join(one.decode("utf-8", "replace")[:60] for one in pieces)
    return Probe(named, tuple(one + b"\r\n" for one in pieces), moves=moves)


def _append(words: str, content: bytes = MESSAGE) -> Probe:
    label = f"APPEND {words} {{{len(content)}}}"
    return Probe(label, (label.encode() + b"\r\n", content + b"\r\n"))


_BOXES: Final = (
    "INBOX", "inbox", "Junk", "none", '""', '"a b"', "a/b", "a//b", "/a", "a/", "&", "&AOk-", "é", '"', "INBOX/x", "..", "a*", "a%",
    "x" * 300, "Boite", "Boite/Sous",
)  # fmt: skip
_SETS: Final = (
    "1",
    "1:*",
    "*",
    "2,3",
    "3:1",
    "0",
    "9",
    "1:",
    "x",
    "",
    "1,",
    "4294967295",
    "4294967296",
    "$",
)
_FETCHED: Final = (
    "FLAGS", "(FLAGS UID)", "ALL", "FAST", "FULL", "ENVELOPE", "BODY", "BODYSTRUCTURE", "INTERNALDATE", "RFC822.SIZE", "RFC822",
    "RFC822.HEADER", "RFC822.TEXT", "BODY[]", "BODY.PEEK[]", "BODY[1]", "BODY[1.MIME]", "BODY[HEADER]", "BODY[TEXT]<0.10>",
    "BODY[HEADER.FIELDS (Subject)]", "BODY[HEADER.FIELDS.NOT (Subject)]", "BODY[2]", "BODY[0]", "BODY[MIME]", "BODY[", "BODY[x]",
    "BODY[HEADER.FIELDS ()]", "BODY[]<x>", "BINARY[1]", "BINARY.SIZE[1]", "BINARY[]", "NONE", "", "()", "(FLAGS NONE)", "FLAGS UID",
    "MODSEQ", "FLAGS (CHANGEDSINCE 1)", "PREVIEW", "PREVIEW (LAZY)", "SAVEDATE", "EMAILID", "THREADID", "SNIPPET",
)  # fmt: skip
_KEYS: Final = (
    "ALL", "ANSWERED", "BCC x", "BEFORE 1-Jan-2030", "BEFORE x", "BODY bonjour", "CC x", "DELETED", "DRAFT", "FLAGGED", "FROM x",
    "HEADER Subject x", "HEADER Subject", "KEYWORD x", "LARGER 1", "LARGER x", "NEW", "NOT SEEN", "NOT", "OLD", "ON 1-Jan-2020",
    "OR SEEN DELETED", "OR SEEN", "RECENT", "SEEN", "SENTBEFORE 1-Jan-2030", "SENTON 1-Jan-2020", "SENTSINCE 1-Jan-2020",
    "SINCE 1-Jan-2020", "SINCE 32-Jan-2020", "SMALLER 10", "SUBJECT essai", "TEXT bonjour", "TO user", "UID 1", "UID 1:*", "UID",
    "UNANSWERED", "UNDELETED", "UNDRAFT", "UNFLAGGED", "UNKEYWORD x", "UNSEEN", "1", "9", "0", "()", "(SEEN", "NONE", "",
    "CHARSET UTF-8 ALL", "CHARSET NONE ALL", "CHARSET", "RETURN (COUNT) ALL", "RETURN (MIN MAX ALL) ALL", "RETURN () ALL",
    "RETURN (NONE) ALL", "RETURN (SAVE) ALL", "$", "MODSEQ 1", "OLDER 10", "YOUNGER 100000", "YOUNGER x", "SAVEDSINCE 1-Jan-2020",
    "FUZZY SUBJECT essai", "X-GUID x", "MIMEPART CHILD EXISTS", "INTHREAD REFS ALL", '""', "SUBJECT", "{",
)  # fmt: skip
_STORED: Final = (
    r"FLAGS (\Seen)", r"+FLAGS (\Flagged)", r"-FLAGS (\Flagged)", r"FLAGS.SILENT ()", r"+FLAGS \Seen", r"FLAGS (\Nothing)",
    r"+FLAGS ($Forwarded mot)", r"FLAGS", "", r"FLAGS (\Seen", r"+FLAGS (\Recent)", r"BODY (\Seen)", r"+FLAGS ([x])",
    r"(UNCHANGEDSINCE 1) +FLAGS (\Seen)", r"FLAGS (a b)", r"-FLAGS.SILENT (a b)",
)  # fmt: skip
_ORDERS: Final = (
    "(SUBJECT) UTF-8 ALL", "(REVERSE DATE) UTF-8 ALL", "(NONE) UTF-8 ALL", "() UTF-8 ALL", "(SUBJECT) NONE ALL", "(SUBJECT) UTF-8",
    "SUBJECT UTF-8 ALL", "", "(REVERSE) UTF-8 ALL", "RETURN (COUNT) (SIZE) UTF-8 ALL", "(DISPLAYFROM) UTF-8 ALL", "(ARRIVAL CC FROM SIZE TO) US-ASCII 1:2",
)  # fmt: skip
_THREADS: Final = (
    "REFERENCES UTF-8 ALL",
    "ORDEREDSUBJECT UTF-8 ALL",
    "REFS UTF-8 ALL",
    "NONE UTF-8 ALL",
    "REFERENCES NONE ALL",
    "REFERENCES UTF-8",
    "",
)
_ON_BOX: Final = tuple(f" {one}" for one in _BOXES)


def _joined(verb: str, *arguments: str) -> tuple[str, ...]:
    return tuple(f"{verb} {one}".rstrip() for one in arguments)


def _messages(verb: str, arguments: tuple[str, ...]) -> tuple[str, ...]:
    return _joined(verb, *arguments)


_LISTED: Final = (
    '"" *', '"" %', '"" ""', '"" INBOX', '"" none', '"" Boite/%', '"x" "%"', '"" (INBOX Junk)', '(SUBSCRIBED) "" *', '(NONE) "" *',
    '"" * RETURN (CHILDREN)', '"" * RETURN (STATUS (MESSAGES))', '"" * RETURN (NONE)', '(RECURSIVEMATCH) "" *', '(SPECIAL-USE) "" *', '""',
    "", '"" * x', "* *", '(SUBSCRIBED RECURSIVEMATCH) "" *', '"" * RETURN (SPECIAL-USE SUBSCRIBED)', '"" () RETURN ()',
)  # fmt: skip
_STATUS: Final = (
    "INBOX (MESSAGES)", "INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN RECENT)", "INBOX (SIZE)", "INBOX (DELETED)", "INBOX (HIGHESTMODSEQ)", "INBOX (NONE)",
    "INBOX ()", "INBOX MESSAGES", "INBOX", "", "none (MESSAGES)", "INBOX (MAILBOXID)", "INBOX (MESSAGES", "Boite (UNSEEN)",
)  # fmt: skip

# Each verb of the table with its arguments, right ones and wrong ones, in an order that tells.
VARIANTS: Final[dict[str, tuple[str | Probe, ...]]] = {
    "CAPABILITY": ("CAPABILITY", "CAPABILITY x", "capability"),
    "NOOP": ("NOOP", "NOOP x"),
    "ID": ("ID NIL", 'ID ("name" "x")', "ID", "ID x", 'ID ("name")', "ID ()", 'ID ("name" NIL)'),
    "STARTTLS": ("STARTTLS", "STARTTLS x"),
    "LOGIN": ("LOGIN", "LOGIN user", 'LOGIN "" ""', "LOGIN user minfo x", "LOGIN (user) minfo"),
    "AUTHENTICATE": (
        "AUTHENTICATE", "AUTHENTICATE NONE", "AUTHENTICATE CRAM-MD5", _parts("AUTHENTICATE PLAIN", "*"), _parts("AUTHENTICATE PLAIN", "!!!"),
        _parts("AUTHENTICATE LOGIN", "*"), "AUTHENTICATE PLAIN !!!", "AUTHENTICATE PLAIN =", "AUTHENTICATE PLAIN AA x",
    ),
    "ENABLE": ("ENABLE CONDSTORE", "ENABLE UTF8=ACCEPT", "ENABLE NONE", "ENABLE", "ENABLE QRESYNC", "ENABLE IMAP4rev2"),
    "SELECT": (*_joined("SELECT", *_BOXES), "SELECT", "SELECT INBOX (CONDSTORE)", "SELECT INBOX (NONE)", "SELECT INBOX x", "SELECT INBOX ()"),
    "EXAMINE": (*_joined("EXAMINE", "INBOX", "none", '""', "Junk"), "EXAMINE", "EXAMINE INBOX (CONDSTORE)", "EXAMINE INBOX x"),
    "CREATE": (*_joined("CREATE", *_BOXES), "CREATE", "CREATE Boite", "CREATE Boite/Sous", "CREATE Seul (USE (\\Archive))", "CREATE x y"),
    "SUBSCRIBE": (*_joined("SUBSCRIBE", "INBOX", "none", "Boite", '""', "a//b", "Junk"), "SUBSCRIBE", "SUBSCRIBE a b"),
    "UNSUBSCRIBE": (*_joined("UNSUBSCRIBE", "INBOX", "none", "Boite", '""'), "UNSUBSCRIBE", "UNSUBSCRIBE a b"),
    "LIST": _joined("LIST", *_LISTED),
    "LSUB": _joined("LSUB", '"" *', '"" %', '""', "", '"" none', '"" * x'),
    "STATUS": _joined("STATUS", *_STATUS),
    "NAMESPACE": ("NAMESPACE", "NAMESPACE x"),
    "GETQUOTA": ("GETQUOTA", 'GETQUOTA ""', 'GETQUOTA "none"'),
    "GETQUOTAROOT": ("GETQUOTAROOT", "GETQUOTAROOT INBOX"),
    "SETQUOTA": ("SETQUOTA", 'SETQUOTA "" (STORAGE 10)'),
    "GETACL": ("GETACL", "GETACL INBOX"),
    "SETACL": ("SETACL", "SETACL INBOX cheikh lr"),
    "DELETEACL": ("DELETEACL INBOX cheikh",),
    "LISTRIGHTS": ("LISTRIGHTS INBOX cheikh",),
    "MYRIGHTS": ("MYRIGHTS", "MYRIGHTS INBOX"),
    "GETMETADATA": ("GETMETADATA", 'GETMETADATA "" /shared/comment', "GETMETADATA INBOX /private/comment"),
    "SETMETADATA": ("SETMETADATA", 'SETMETADATA INBOX (/private/comment "x")'),
    "IDLE": (_parts("IDLE", "DONE"), _parts("IDLE", "NOOP"), "IDLE x"),
    "APPEND": (
        _append("INBOX"), _append(r"INBOX (\Seen)"), _append(r'INBOX (\Seen) " 1-Jan-2020 10:00:00 +0000"'), _append("none"), _append('""'),
        _append("INBOX (x y)"), _append(r"INBOX (\Recent)"), Probe("APPEND INBOX {0+}", (b"APPEND INBOX {0+}\r\n\r\n",)), "APPEND", "APPEND INBOX", Probe("APPEND INBOX {x}", last=True),
        _append('INBOX "32-Jan-2020 10:00:00 +0000"'),
    ),
    "CHECK": ("CHECK", "CHECK x"),
    "SEARCH": _messages("SEARCH", _KEYS),
    "UID SEARCH": _messages("UID SEARCH", ("ALL", "UID 1", "1:*", "", "NONE")),
    "SORT": _messages("SORT", _ORDERS),
    "UID SORT": _messages("UID SORT", ("(SUBJECT) UTF-8 ALL", "")),
    "THREAD": _messages("THREAD", _THREADS),
    "UID THREAD": _messages("UID THREAD", ("REFERENCES UTF-8 ALL", "")),
    "FETCH": (*(f"FETCH 1 {one}".rstrip() for one in _FETCHED), *(f"FETCH {one} FLAGS" for one in _SETS), "FETCH", "FETCH 1"),
    "UID FETCH": (*(f"UID FETCH {one} FLAGS" for one in _SETS), "UID FETCH", "UID FETCH 1", "UID FETCH 1 NONE", "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)"),
    "STORE": (*(f"STORE 1 {one}".rstrip() for one in _STORED), *(rf"STORE {one} +FLAGS (\Seen)" for one in _SETS), "STORE"),
    "UID STORE": (*(rf"UID STORE {one} +FLAGS (\Seen)" for one in _SETS), "UID STORE"),
    "COPY": (*(f"COPY {one} Junk" for one in _SETS), "COPY", "COPY 1", "COPY 1 none", 'COPY 1 ""', "COPY 1 Junk x"),
    "UID COPY": (*(f"UID COPY {one} Junk" for one in _SETS), "UID COPY", "UID COPY 1 none"),
    "MOVE": ("MOVE", "MOVE 1", "MOVE 1 none", "MOVE 0 Junk", "MOVE 9 Junk", "MOVE x Junk", "MOVE 1 Junk", "MOVE * Junk"),
    "UID MOVE": ("UID MOVE", "UID MOVE 1", "UID MOVE 9999 Junk", "UID MOVE 2 none", "UID MOVE x Junk"),
    "EXPUNGE": ("EXPUNGE", "EXPUNGE x"),
    "UID EXPUNGE": ("UID EXPUNGE", "UID EXPUNGE 1:*", "UID EXPUNGE x", "UID EXPUNGE 1 2"),
    "RENAME": (
        "RENAME", "RENAME Boite", "RENAME none other", "RENAME Boite Autre", "RENAME Autre Boite", "RENAME Boite INBOX", 'RENAME Boite ""',
        "RENAME Boite Boite", "RENAME Boite Boite/Sous/x", "RENAME Boite Junk", "RENAME a b c",
    ),
    "DELETE": (*_joined("DELETE", *_BOXES), "DELETE", "DELETE Boite", "DELETE Seul", "DELETE a b"),
    "CLOSE": ("CLOSE x", "CLOSE"),
    "UNSELECT": ("UNSELECT x", "UNSELECT"),
}  # fmt: skip
_NONSENSE: Final = ("BONJOUR", "", " ", "UID", "UID NOOP", "UID FETCHED 1 FLAGS", 'XLIST "" *', "NOOP\0", "é", "GET / HTTP/1.1", "COMPRESS DEFLATE", "NOTIFY NONE",
    "UNAUTHENTICATE", "REPLACE 1 INBOX {5}", "RESETKEY", "CANCELUPDATE", "GENURLAUTH x", "ESEARCH ALL", "PREVIEW", "SETACL")  # fmt: skip
_MOVING: Final = frozenset(
    {"STARTTLS", "SELECT", "EXAMINE", "CLOSE", "UNSELECT", "ENABLE", "LOGIN", "IDLE"}
)


def probes(verb: str, *, legal: bool = True) -> Iterator[Probe]:
    """Those of one verb; the first few where the state does not allow it."""
    for one in VARIANTS[verb] if legal else VARIANTS[verb][:REFUSED]:
        moves = verb in _MOVING
        yield (replace(one, moves=moves) if isinstance(one, Probe) else Probe(one, moves=moves))


def _all(state: imap.State) -> list[Probe]:
    legal = imap.TABLE.legal(state)
    asked = [one for verb in VARIANTS for one in probes(verb, legal=verb in legal)]
    return [*asked, *(Probe(one) for one in _NONSENSE)]


def states(
    service: str, before: tuple[str, ...] = (), *, logins: bool = True
) -> Iterator[tuple[State, list[Probe]]]:
    """Each state of the table with every command of the table, and with nonsense."""
    clear = _all(imap.State.NOT_AUTHENTICATED)
    yield State(f"{service}: not authenticated", service, before, errors=2), clear
    if not logins:
        return
    logged = (*before, _LOGIN)
    asked = _all(imap.State.AUTHENTICATED)
    yield State(f"{service}: authenticated", service, logged, _ERRORS), asked
    asked = _all(imap.State.SELECTED)
    yield State(f"{service}: selected", service, (*logged, "SELECT INBOX"), _ERRORS), asked
    read_only = [one for verb in _READ_ONLY for one in probes(verb)]
    yield State(f"{service}: read-only", service, (*logged, "EXAMINE INBOX"), _ERRORS), read_only
    yield State(f"{service}: making a mailbox", service, logged), [Probe("CREATE Vide")]
    empty = [Probe(f"{verb} {one} FLAGS") for verb in ("FETCH", "UID FETCH") for one in _SETS]
    way = (*logged, "SELECT Vide")
    yield State(f"{service}: empty mailbox", service, way, _ERRORS), empty
    yield State(f"{service}: logging in", service, before, errors=1), list(_logins())


_ERRORS: Final = 18  # of twenty, Dovecot hangs up
_READ_ONLY: Final = ("STORE", "EXPUNGE", "UID EXPUNGE", "MOVE", "COPY", "CHECK", "CLOSE")


def _logins() -> Iterator[Probe]:
    """Good and bad passwords, each bad one followed by a good one: penalties do not add up."""
    good = Probe(_LOGIN, moves=True)
    for bad in (
        Probe(f"LOGIN {USER} faux"),
        Probe("LOGIN nobody minfo"),
        _parts("AUTHENTICATE PLAIN", _plain(USER, "faux")),
        _parts("AUTHENTICATE PLAIN", b64encode(b"cheikh\0user\0minfo")),
    ):
        yield Probe(bad.label, bad.parts, moves=True)
        yield good
    yield Probe(f'LOGIN "{USER}@minfo.sn" {{password {USER}}}', moves=True)
    plain, name, word = f"{{plain {USER}}}", b64encode(USER.encode()), f"{{base64 {USER}}}"
    yield _parts("AUTHENTICATE PLAIN", plain, moves=True)
    yield _parts(f"AUTHENTICATE PLAIN {plain}", moves=True)
    yield _parts("AUTHENTICATE LOGIN", name, word, moves=True)


def secure(service: str) -> tuple[str, ...]:
    """What leads behind the handshake on a service that begins in the clear."""
    return ("STARTTLS", STARTTLS) if service == "imap" else ()
