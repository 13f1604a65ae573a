"""ManageSieve: every command of the transition table in every state, right and wrong."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Final

from mailsim.protocol import managesieve
from tests.fidelity.conversation import REFUSED, STARTTLS, Probe, State

SERVICE: Final = "managesieve"
USER: Final = "mactar"
BEFORE: Final = ("STARTTLS", STARTTLS)


def _literal(label: str, content: bytes) -> Probe:
    """A command whose last argument is a literal."""
    shown = content.decode("utf-8", "backslashreplace")
    raw = f"{label} {{{len(content)}+}}\r\n".encode() + content + b"\r\n"
    return Probe(f"{label} {shown[:60]!r}", (raw,))


def _auth(label: str, *responses: str) -> Probe:
    parts = (label, *(f'"{one}"' for one in responses))
    named = " / ".join(parts)
    return Probe(named, tuple(f"{one}\r\n".encode() for one in parts), moves=True)


def _plain(user: str, password: str) -> str:
    return b64encode(f"\0{user}\0{password}".encode()).decode()


_GOOD: Final = (
    b'require ["fileinto"];\r\nif header :contains "Subject" "x" { fileinto "INBOX"; }\r\n'
)
_SCRIPTS: Final = (
    _GOOD, b"", b"keep;", b"nonsense", b'fileinto "INBOX";', b'require "nothing";', b"if true {", b"keep", b"# words\r\n",
    b'require "vacation"; vacation "x";', b'redirect "a@b.sn";', b'redirect "x";', b"keep;\0", b"\xff", b"discard; stop;",
)  # fmt: skip
_NAMES: Final = (
    '"none"',
    '"good"',
    '""',
    "good",
    '"a/b"',
    '"a\\"b"',
    '"é"',
    "",
    '"good" "x"',
    f'"{"a" * 300}"',
)

# Each verb of the table with its arguments, right ones and wrong ones, in an order that tells.
VARIANTS: Final[dict[str, tuple[str | Probe, ...]]] = {
    "CAPABILITY": ("CAPABILITY", 'CAPABILITY "x"', "capability"),
    "NOOP": ("NOOP", 'NOOP "étiquette"', 'NOOP "tag"', "NOOP x", 'NOOP "a" "b"'),
    "STARTTLS": ("STARTTLS", 'STARTTLS "now"'),
    "AUTHENTICATE": (
        "AUTHENTICATE", 'AUTHENTICATE "NONE"', 'AUTHENTICATE "CRAM-MD5"', "AUTHENTICATE PLAIN", 'AUTHENTICATE ""',
        _auth('AUTHENTICATE "PLAIN"', "*"), _auth('AUTHENTICATE "PLAIN"', "!!!"), 'AUTHENTICATE "PLAIN" "!!!"',
        _auth('AUTHENTICATE "LOGIN"', "*"), 'AUTHENTICATE "PLAIN" "" "x"', 'AUTHENTICATE "PLAIN" ""',
    ),
    "HAVESPACE": (
        "HAVESPACE", 'HAVESPACE "good" 100', 'HAVESPACE "good" 99999999999', 'HAVESPACE "good" 9999999', 'HAVESPACE "good"',
        'HAVESPACE "good" x', "HAVESPACE good 10", 'HAVESPACE "" 10', 'HAVESPACE "good" -1', 'HAVESPACE "good" 10 x',
    ),
    "CHECKSCRIPT": (
        "CHECKSCRIPT", 'CHECKSCRIPT "keep;"', 'CHECKSCRIPT "nonsense"', *(_literal("CHECKSCRIPT", one) for one in _SCRIPTS),
        'CHECKSCRIPT "keep;" "x"', "CHECKSCRIPT keep;",
    ),
    "PUTSCRIPT": (
        "PUTSCRIPT", 'PUTSCRIPT "good"', "PUTSCRIPT good", *(_literal('PUTSCRIPT "good"', one) for one in _SCRIPTS),
        *(_literal(f"PUTSCRIPT {name}", _GOOD) for name in ('"second"', '""', '"a/b"', '"é"', f'"{"a" * 300}"', '"..".')),
        'PUTSCRIPT "quoted" "keep;"', 'PUTSCRIPT "a" "keep;" "x"',
    ),
    "LISTSCRIPTS": ("LISTSCRIPTS", 'LISTSCRIPTS "x"'),
    "GETSCRIPT": tuple(f"GETSCRIPT {one}".rstrip() for one in _NAMES),
    "SETACTIVE": tuple(f"SETACTIVE {one}".rstrip() for one in _NAMES),
    "RENAMESCRIPT": (
        "RENAMESCRIPT", 'RENAMESCRIPT "none" "other"', 'RENAMESCRIPT "good" "second"', 'RENAMESCRIPT "good" "third"',
        'RENAMESCRIPT "third" "good"', 'RENAMESCRIPT "good"', 'RENAMESCRIPT "good" ""', 'RENAMESCRIPT "" "x"',
        'RENAMESCRIPT "good" "a/b"', 'RENAMESCRIPT good "x"', 'RENAMESCRIPT "good" "good"',
    ),
    # After the others: what is active cannot be deleted.
    "DELETESCRIPT": (
        'SETACTIVE "good"', 'DELETESCRIPT "good"', 'SETACTIVE ""', *(f"DELETESCRIPT {one}".rstrip() for one in _NAMES),
        'DELETESCRIPT "second"', 'DELETESCRIPT "quoted"',
    ),
    "UNAUTHENTICATE": ("UNAUTHENTICATE", 'UNAUTHENTICATE "x"'),
}  # fmt: skip
_NONSENSE: Final = ("BONJOUR", "", " ", "GET / HTTP/1.1", '"x"', "é", "NOOP\0", "{5}", "LIST")
_MOVING: Final = frozenset({"STARTTLS", "UNAUTHENTICATE"})


def probes(verb: str, *, legal: bool = True) -> Iterator[Probe]:
    """Those of one verb; the first few where the state does not allow it."""
    for one in VARIANTS[verb] if legal else VARIANTS[verb][:REFUSED]:
        yield one if isinstance(one, Probe) else Probe(one, moves=verb in _MOVING)


def _all(state: managesieve.State) -> list[Probe]:
    legal = managesieve.TABLE.legal(state)
    asked = [one for verb in VARIANTS for one in probes(verb, legal=verb in legal)]
    return [*asked, *(Probe(one) for one in _NONSENSE)]


def states() -> Iterator[tuple[State, list[Probe]]]:
    """Each state of the table with every command of the table, and with nonsense."""
    asked = _all(managesieve.State.NON_AUTHENTICATED)
    yield State("managesieve: clear", SERVICE, (), errors=2), asked
    yield State("managesieve: TLS", SERVICE, BEFORE, errors=2), asked
    asked = _all(managesieve.State.AUTHENTICATED)
    good = f"{{plain {USER}}}"
    logged = (*BEFORE, f'AUTHENTICATE "PLAIN" "{good}"')
    yield State("managesieve: authenticated", SERVICE, logged), asked
    logins = []
    for bad in (
        _plain(USER, "faux"),
        _plain("nobody", "x"),
        b64encode(b"admin\0mactar\0x").decode(),
    ):
        logins += [Probe(f'AUTHENTICATE "PLAIN" "{one}"', moves=True) for one in (bad, good)]
    logins.append(_auth('AUTHENTICATE "PLAIN"', good))
    user = b64encode(USER.encode()).decode()
    logins.append(_auth('AUTHENTICATE "LOGIN"', user, f"{{base64 {USER}}}"))
    yield State("managesieve: logging in", SERVICE, BEFORE, errors=1), logins
