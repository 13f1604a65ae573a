"""SMTP: every command of the transition table in every state, and the restriction tables."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from mailsim.model.stage import Stage
from mailsim.protocol import smtp
from tests.fidelity.conversation import REFUSED, STARTTLS, Probe, State

HELLO: Final = "EHLO poste.minfo.sn"
FROM: Final = "MAIL FROM:<user@minfo.sn>"
TO: Final = "RCPT TO:<admin@minfo.sn>"
LONG: Final = 3000  # octets: more than line_length_limit takes in one piece
_BIG: Final = 10_240_000  # message_size_limit


def _plain(user: str, password: str) -> str:
    return b64encode(f"\0{user}\0{password}".encode()).decode()


GOOD: Final = "{plain user}"
_ADDRESSES: Final = (
    "<user@minfo.sn>", "<>", "<user>", "<@minfo.sn>", "<user@>", "<user@minfo.sn", "user@minfo.sn>",
    "user@minfo.sn", "<<user@minfo.sn>>", "<user @minfo.sn>", "<a b@minfo.sn>", "<user@[192.168.10.1]>",
    "<user@[192.168.10]>", "<@mail.minfo.sn:user@minfo.sn>", '<"user"@minfo.sn>', '<"a b"@minfo.sn>',
    "<user@minfo..sn>", "<.user@minfo.sn>", "<us..er@minfo.sn>", "<user@-minfo.sn>", "<USER@MINFO.SN>",
    "<user%ugb.sn@minfo.sn>", "<ugb.sn!user>", "<user@minfo.sn.>", "<user+dossier@minfo.sn>",
    "<aïssatou@minfo.sn>", "<postmaster>", "<postmaster@minfo.sn>", "<user@minfo@sn>", "<(x)user@minfo.sn>",
    f"<{'a' * 300}@minfo.sn>",
)  # fmt: skip
_MAIL_PARAMETERS: Final = (
    "SIZE=0", "SIZE=1", f"SIZE={_BIG}", f"SIZE={_BIG + 1}", "SIZE=99999999999999999999", "SIZE=", "SIZE=x",
    "SIZE=-1", "SIZE", "BODY=7BIT", "BODY=8BITMIME", "body=8bitmime", "BODY=BINARYMIME", "BODY=9BIT", "BODY=",
    "RET=FULL", "RET=HDRS", "RET=ALL", "RET=", "ENVID=QQ314159", "ENVID=a+3Db", "ENVID=a=b", "ENVID=", "SMTPUTF8",
    "SMTPUTF8=x", "AUTH=<>", "AUTH=user@minfo.sn", "AUTH=", "COULEUR=bleu", "COULEUR", "SIZE=10 BODY=8BITMIME RET=FULL",
    "RET=FULL RET=HDRS", "SIZE=10 SIZE=20", "NOTIFY=NEVER",
)  # fmt: skip
_RCPT_PARAMETERS: Final = (
    "NOTIFY=NEVER", "NOTIFY=SUCCESS", "NOTIFY=SUCCESS,FAILURE,DELAY", "NOTIFY=NEVER,SUCCESS", "NOTIFY=", "NOTIFY=x",
    "ORCPT=rfc822;admin@minfo.sn", "ORCPT=rfc822", "ORCPT=", "ORCPT=;x", "ORCPT=rfc822;a+2Bb", "COULEUR=bleu", "COULEUR",
    "NOTIFY=NEVER ORCPT=rfc822;x", "SIZE=10",
)  # fmt: skip


def _bdat(size: int, *, last: bool = False) -> Probe:
    line = f"BDAT {size}{' LAST' if last else ''}"
    return Probe(line, (line.encode() + b"\r\n" + b"x" * size,), moves=True)


_MAIL: Final = (
    *(f"MAIL FROM:{one}" for one in _ADDRESSES),
    *(f"{FROM} {one}" for one in _MAIL_PARAMETERS),
    "MAIL", "MAIL FROM", "MAIL FROM:", "MAIL TO:<user@minfo.sn>", "MAIL FROM: <user@minfo.sn>",
    "MAIL FROM :<user@minfo.sn>", "mail from:<user@minfo.sn>", "MAIL FROM:<user@minfo.sn>SIZE=1",
    "MAIL FROM:<user@minfo.sn> ", "MAIL FROM:<secretaire@ugb.sn>", "MAIL FROM:<x@kelkpart.com>",
)  # fmt: skip
_RCPT: Final = (
    *(f"RCPT TO:{one}" for one in _ADDRESSES),
    *(f"{TO} {one}" for one in _RCPT_PARAMETERS),
    "RCPT", "RCPT TO", "RCPT TO:", "RCPT FROM:<admin@minfo.sn>", "RCPT TO: <admin@minfo.sn>", "rcpt to:<admin@minfo.sn>",
    "RCPT TO:<nobody@minfo.sn>", "RCPT TO:<secretaire@ugb.sn>", "RCPT TO:<x@kelkpart.com>", "RCPT TO:<root@minfo.sn>",
    "RCPT TO:<abuse@minfo.sn>", "RCPT TO:<user@mail.minfo.sn>", "RCPT TO:<user@localhost>", "RCPT TO:<user@poste.minfo.sn>",
)  # fmt: skip
_MOVING: Final = frozenset(
    {"MAIL", "DATA", "AUTH", "STARTTLS", "XCLIENT", "XFORWARD", "RSET", "HELO"}
)

# Each verb of the table with its arguments, right ones and wrong ones.
VARIANTS: Final[dict[str, tuple[str | Probe, ...]]] = {
    "HELO": (
        "HELO poste.minfo.sn", "HELO", "HELO poste", "HELO a b", "HELO [192.168.10.50]", "HELO -x-.sn",
        "HELO a..b", "HELO [192.168]", "HELO é.sn", "helo poste.minfo.sn", f"HELO {'a' * 300}.sn",
    ),
    "MAIL": _MAIL,
    "RCPT": _RCPT,
    "DATA": ("DATA", "DATA now", "data"),
    "BDAT": (
        "BDAT", "BDAT x", "BDAT -1", "BDAT 5 FIRST", "BDAT 5 LAST x", "BDAT 99999999999999999999",
        _bdat(5), _bdat(0),
    ),
    "BDAT LAST": (_bdat(5, last=True), _bdat(0, last=True)),
    "RSET": ("RSET", "RSET x", "rset"),
    "NOOP": ("NOOP", "NOOP x", "noop"),
    "HELP": ("HELP", "HELP MAIL"),
    "VRFY": (
        "VRFY", "VRFY user", "VRFY user@minfo.sn", "VRFY nobody@minfo.sn", "VRFY <user@minfo.sn>", "VRFY x@ugb.sn",
        "VRFY user user", "VRFY aïssatou@minfo.sn SMTPUTF8", "VRFY <", "VRFY admin",
    ),
    "EXPN": ("EXPN liste", "EXPN"),
    "ETRN": ("ETRN", "ETRN minfo.sn", "ETRN ugb.sn", "ETRN a b", "ETRN -x", "ETRN #q"),
    "AUTH": (
        "AUTH", "AUTH PLAIN", "AUTH LOGIN", "AUTH CRAM-MD5", "AUTH NONE", "AUTH SCRAM-SHA-256 biw=", "AUTH plain",
        f"AUTH PLAIN {GOOD}", f"AUTH PLAIN {GOOD} x",
    ),
    "STARTTLS": ("STARTTLS", "STARTTLS now", "starttls"),
    "XCLIENT": (
        "XCLIENT", "XCLIENT ADDR=192.168.20.1", "XCLIENT ADDR=999", "XCLIENT COULEUR=bleu", "XCLIENT NAME=mx.ugb.sn",
        "XCLIENT ADDR", "XCLIENT NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE]", "XCLIENT PROTO=ESMTP HELO=x.sn",
        "XCLIENT PORT=x", "XCLIENT ADDR=192.168.20.1 ADDR=192.168.30.1", "XCLIENT LOGIN=user",
        "XCLIENT ADDR=2001:db8::1", "XCLIENT ADDR=IPV6:2001:db8::1", "XCLIENT PROTO=LMTP",
    ),
    "XFORWARD": (
        "XFORWARD", "XFORWARD NAME=x.sn", "XFORWARD COULEUR=bleu",
    ),
}  # fmt: skip
# Not of the table: unknown words, and lines that are none.
_NONSENSE: Final = (
    "BONJOUR", "", " ", "GET / HTTP/1.1", "NOOP\0", f"NOOP {'x' * LONG}", "é", "MAILFROM:<user@minfo.sn>", ":", "x" * LONG,
    "LHLO poste.minfo.sn", "SEND FROM:<user@minfo.sn>", "TURN",
)  # fmt: skip
# What may be answered where the server waits for a SASL response.
_RESPONSES: Final = ("*", "!!!", GOOD, "", "=", GOOD, "QUIT", GOOD)
_CONTENTS: Final = {
    ".": b"Subject: x\r\n\r\nbonjour\r\n.\r\n",
    ". (nothing)": b".\r\n",
    ". (no header)": b"\r\nbonjour\r\n.\r\n",
    ". (dots)": b"Subject: x\r\n\r\n..\r\n...\r\n.\r\n",
    ". (LF alone)": b"Subject: x\n\nbonjour\n\r\n.\r\n",
    ". (NUL)": b"Subject: x\r\n\r\na\0b\r\n.\r\n",
    ". (8 bits)": b"Subject: x\r\n\r\n\xe9\r\n.\r\n",
    ". (a line of 3000)": b"Subject: x\r\n\r\n" + b"a" * LONG + b"\r\n.\r\n",
    ". (60 hops)": b"Received: from x by y; Tue, 24 Nov 2026 10:00:00 +0000\r\n" * 60
    + b"\r\nx\r\n.\r\n",
    ". (too big)": b"Subject: x\r\n\r\n" + (b"y" * 998 + b"\r\n") * 10_400 + b".\r\n",
}

_PATHS: Final[dict[smtp.State, tuple[str, ...]]] = {
    smtp.State.CONNECTED: (),
    smtp.State.READY: (HELLO,),
    smtp.State.MAIL: (HELLO, FROM),
    smtp.State.RCPT: (HELLO, FROM, TO),
    smtp.State.CHUNKS: (HELLO, FROM, TO, "BDAT 0"),
    smtp.State.FAILED: (HELLO, FROM, "RCPT TO:<nobody@minfo.sn>", "BDAT 0"),
}


def probes(verb: str, *, legal: bool) -> Iterator[Probe]:
    """Those of one verb; the first few where the state does not allow it."""
    for one in VARIANTS[verb] if legal else VARIANTS[verb][:REFUSED]:
        yield one if isinstance(one, Probe) else Probe(one, moves=verb in _MOVING)


def nonsense() -> Iterator[Probe]:
    """Those of none."""
    return (Probe(one) for one in _NONSENSE)


def states(
    service: str, told: str, before: tuple[str, ...], *, brief: bool
) -> Iterator[tuple[State, list[Probe]]]:
    """Each state of the table with every command of the table, and with nonsense; `brief`: with the
    first variants of each."""
    for state, path in _PATHS.items():
        # EHLO comes again behind what leads to the service's own beginning.
        way = (*before, *path) if state is not smtp.State.CONNECTED else before
        legal = () if brief else smtp.TABLE.legal(state)
        asked = [one for verb in VARIANTS for one in probes(verb, legal=verb in legal)]
        yield State(f"{service}, {told}: {state.value}", service, way), [*asked, *nonsense()]


def authenticating(
    service: str, told: str, before: tuple[str, ...]
) -> Iterator[tuple[State, list[Probe]]]:
    """The state in which a SASL response is awaited: each mechanism, good, bad, given up."""
    user = b64encode(b"user").decode()
    for way, name, responses in (
        (("AUTH PLAIN",), "AUTH PLAIN", _RESPONSES),
        (("AUTH LOGIN",), "AUTH LOGIN", _RESPONSES[:2]),
        (
            ("AUTH LOGIN", user),
            "AUTH LOGIN, password",
            ("*", "{base64 user}", "ZmF1eA==", "{base64 user}"),
        ),
    ):
        asked = [Probe(one, moves=True) for one in responses]
        yield State(f"{service}, {told}: {name}", service, (*before, HELLO, *way), errors=1), asked
    # Behind each refusal comes a login: penalties do not add up.
    bad = _plain("user", "faux"), GOOD, _plain("nobody", "minfo"), GOOD, "!!!", "=", GOOD
    asked = [Probe(f"AUTH PLAIN {one}", moves=True) for one in bad]
    yield (
        State(f"{service}, {told}: AUTH PLAIN at once", service, (*before, HELLO), errors=1),
        asked,
    )
    logged = (*before, HELLO, f"AUTH PLAIN {GOOD}")
    again = [
        Probe(one)
        for one in (
            f"AUTH PLAIN {GOOD}",
            "AUTH LOGIN",
            "AUTH",
            "STARTTLS",
            "MAIL FROM:<admin@minfo.sn>",
        )
    ]
    yield State(f"{service}, {told}: logged in", service, logged), again


def contents(
    service: str, told: str, before: tuple[str, ...]
) -> Iterator[tuple[State, list[Probe]]]:
    """The state in which the message travels."""
    way = (*before, HELLO, FROM, TO, "DATA")
    asked = [Probe(label, (raw,), moves=True) for label, raw in _CONTENTS.items()]
    yield State(f"{service}, {told}: data", service, way, errors=1), asked


# --- the restrictions


@dataclass(frozen=True, slots=True)
class Client:
    """Who speaks: the host ("" is the workstation itself), by XCLIENT."""

    name: str
    address: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        """How it says so."""
        return (f"XCLIENT NAME={self.name} ADDR={self.address}",) if self.address else ()


CLIENTS: Final = (
    Client("poste.minfo.sn"),
    Client("localhost", "127.0.0.1"),
    Client("mx.ugb.sn", "192.168.20.1"),
    Client("spammeur.pub.sn", "192.168.66.66"),
)
_HELOS: Final = (
    "HELO mx.ugb.sn", "HELO ugb", "HELO [192.168.20.1]", "HELO a..b", "HELO -x-.sn", "HELO 192.168.20.1", "HELO x_y.sn", "HELO nowhere.kelkpart.com",
)  # fmt: skip
_SENDERS: Final = (
    "", "user@minfo.sn", "secretaire@ugb.sn", "x@kelkpart.com", "user", "x@mail", "x@[192.168.20.1]", "user@www.minfo.sn",
)  # fmt: skip
_RECIPIENTS: Final = (
    "user@minfo.sn", "nobody@minfo.sn", "secretaire@ugb.sn", "x@kelkpart.com", "user", "postmaster", "root@minfo.sn",
    "user%ugb.sn@minfo.sn", "user@[192.168.10.1]", "x@[192.168.20.1]", "user+x@minfo.sn", "x@ugb", "user@poste.minfo.sn",
)  # fmt: skip


def restrictions(
    service: str, clients: tuple[Client, ...], ways: dict[str, tuple[str, ...]]
) -> Iterator[tuple[State, list[Probe]]]:
    """Client × HELO × sender × recipient, for each way to begin (AUTH or not, TLS or not)."""
    everyone = [Probe(f"RCPT TO:<{one}>") for one in _RECIPIENTS]
    for client, (told, way) in product(clients, ways.items()):
        who = f"{service}: {client.name} {told}"
        for sender in _SENDERS:
            path = (*client.path, *way, f"MAIL FROM:<{sender}>")
            yield State(f"{who} <{sender}>", service, path), everyone
        for helo in _HELOS:
            path = (*client.path, *(helo if one == HELLO else one for one in way), FROM)
            if helo in path:
                yield State(f"{who} {helo}", service, path), everyone[:4]


def ways(stage: Stage, service: str) -> dict[str, tuple[str, ...]]:
    """How a dialogue may begin on that service: as it is, under TLS, logged in."""
    log_in = f"AUTH PLAIN {GOOD}"
    if service == "submission":
        secure = (HELLO, "STARTTLS", STARTTLS, HELLO)
        return {"clear": (HELLO,), "TLS": secure, "TLS, logged in": (*secure, log_in)}
    if service == "submissions":
        return {"TLS": (HELLO,), "TLS, logged in": (HELLO, log_in)}
    if stage >= Stage.TLS:
        return {"clear": (HELLO,), "TLS": (HELLO, "STARTTLS", STARTTLS, HELLO)}
    if stage >= Stage.SASL:
        return {"clear": (HELLO,), "logged in": (HELLO, log_in)}
    return {"clear": (HELLO,)}
