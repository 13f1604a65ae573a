"""POP3: every command of the transition table in every state, right and wrong."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Final

from mailsim.protocol import pop3
from tests.fidelity.conversation import REFUSED, STARTTLS, Probe, State

USER: Final = "cheikh"


def _plain(user: str, password: str) -> bytes:
    return b64encode(f"\0{user}\0{password}".encode())


def _auth(label: str, *responses: bytes) -> Probe:
    """AUTH with the responses that follow."""
    parts = (label.encode(), *responses)
    named = " ".join([label, *(f"/ {one.decode()}" for one in responses)])
    return Probe(named, tuple(one + b"\r\n" for one in parts), moves=True)


_NUMBERS: Final = (
    "",
    " 1",
    " 3",
    " 4",
    " 0",
    " -1",
    " x",
    " 1 x",
    " 99999999999",
    " 01",
    " 1 ",
    "  1",
)

# Each verb of the table with its arguments, right ones and wrong ones.
VARIANTS: Final[dict[str, tuple[str | Probe, ...]]] = {
    "USER": ("USER", "USER cheikh", "USER nobody", "USER a b", "USER cheikh@minfo.sn", "user cheikh", f"USER {'a' * 300}", "USER é"),
    "PASS": ("PASS", "PASS faux", "PASS  "),
    "APOP": ("APOP", "APOP cheikh", "APOP cheikh c4c9334bac560ecc979e58001b3e22fb", "APOP cheikh x"),
    "AUTH": (
        "AUTH", "AUTH NONE", "AUTH CRAM-MD5", "AUTH SCRAM-SHA-256 biw=",
        _auth("AUTH PLAIN", b"*"), _auth("AUTH PLAIN", b"!!!"), _auth("AUTH PLAIN", b""), _auth("AUTH PLAIN !!!"),
        _auth("AUTH LOGIN", b"*"), _auth("AUTH LOGIN", b"Y2hlaWto", b"*"), _auth("AUTH PLAIN ="),
        "AUTH PLAIN", "auth login", "AUTH PLAIN AA x",
    ),
    "STLS": ("STLS", "STLS now"),
    "UTF8": ("UTF8",),
    "LANG": ("LANG", "LANG fr"),
    "CAPA": ("CAPA", "CAPA x", "capa"),
    "STAT": ("STAT", "STAT x", "stat"),
    "LIST": tuple(f"LIST{one}" for one in _NUMBERS),
    "UIDL": tuple(f"UIDL{one}" for one in _NUMBERS),
    "RETR": tuple(f"RETR{one}" for one in _NUMBERS),
    "TOP": (
        *(f"TOP{one}" for one in _NUMBERS), "TOP 1 0", "TOP 1 2", "TOP 1 -1", "TOP 4 1", "TOP 1 99999999999", "TOP 1 2 3", "TOP 0 0",
    ),
    "NOOP": ("NOOP", "NOOP x"),
    # From here on messages go, and come back with RSET.
    "DELE": ("DELE", "DELE x", "DELE 0", "DELE 4", "DELE 2", "DELE 2", "DELE 2 x", "DELE -1"),
    "RSET": ("RSET", "RSET x"),
}  # fmt: skip
_AFTER_DELE: Final = (
    "STAT", "LIST 2", "RETR 2", "TOP 2 0", "UIDL 2", "DELE 2", "LIST 1", "LIST", "UIDL", "RSET", "LIST 2", "DELE 1", "RSET",
)  # fmt: skip
_ERRORS: Final = 18  # of twenty, Dovecot hangs up
_NONSENSE: Final = (
    "BONJOUR", "", " ", "STATX", "NOOP\0", "é", "XTND XMIT", "GET / HTTP/1.1", "LAST", "ID", "XCLIENT ADDR=1.2.3.4",
)  # fmt: skip
_MOVING: Final = frozenset({"USER", "STLS", "APOP"})


def probes(verb: str, *, legal: bool = True) -> Iterator[Probe]:
    """Those of one verb; the first few where the state does not allow it."""
    for one in VARIANTS[verb] if legal else VARIANTS[verb][:REFUSED]:
        yield one if isinstance(one, Probe) else Probe(one, moves=verb in _MOVING)


def _all(state: pop3.State) -> list[Probe]:
    legal = pop3.TABLE.legal(state)
    asked = [one for verb in VARIANTS for one in probes(verb, legal=verb in legal)]
    return [*asked, *(Probe(one) for one in _NONSENSE)]


def states(
    service: str, before: tuple[str, ...] = (), *, logins: bool = True
) -> Iterator[tuple[State, list[Probe]]]:
    """Each state of the table with every command of the table, and with nonsense."""
    user, word = f"USER {USER}", f"PASS {{password {USER}}}"
    clear = _all(pop3.State.AUTHORIZATION)
    yield State(f"{service}: authorization", service, before, errors=2), clear
    if not logins:
        return
    asked = _all(pop3.State.PASSWORD)
    yield State(f"{service}: password", service, (*before, user), errors=1), asked
    logged = (*before, user, word)
    asked = _all(pop3.State.TRANSACTION)
    yield State(f"{service}: transaction", service, logged, _ERRORS), asked
    after = [Probe(one) for one in _AFTER_DELE]
    yield State(f"{service}: transaction, DELE 2", service, (*logged, "DELE 2")), after
    yield State(f"{service}: logging in", service, before, errors=1), list(_logins())


def _logins() -> Iterator[Probe]:
    """Good and bad passwords, each bad one followed by a good one: penalties do not add up."""
    good = f"{{plain {USER}}}".encode()
    for responses in (
        (_plain(USER, "faux"),),
        (good,),
        (_plain("nobody", "minfo"),),
        (good,),
        (b64encode(b"user\0cheikh\0x"),),
        (good,),
    ):
        yield _auth("AUTH PLAIN", *responses)
    yield _auth(f"AUTH PLAIN {good.decode()}")
    name = b64encode(USER.encode())
    yield _auth("AUTH LOGIN", name, f"{{base64 {USER}}}".encode())
    yield _auth("AUTH LOGIN", name, b64encode(b"faux"))
    yield _auth(f"AUTH PLAIN {good.decode()}")


def secure(service: str) -> tuple[str, ...]:
    """What leads behind the handshake on a service that begins in the clear."""
    return ("STLS", STARTTLS) if service == "pop3" else ()
