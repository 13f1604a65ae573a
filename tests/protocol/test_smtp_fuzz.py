"""Any octets as answers, whatever the client has said: no exception outside the documented tree."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim import sasl
from mailsim.errors import LocalProtocolError, RemoteProtocolError
from mailsim.protocol.smtp import Authenticate, SmtpClient
from mailsim.wire.quirk import NONE, Quirk
from mailsim.wire.smtp import (
    Bdat,
    Command,
    Content,
    Data,
    Ehlo,
    Lhlo,
    Mail,
    Noop,
    Path,
    Quit,
    Rcpt,
    StartTls,
)

PIECES = st.sampled_from(
    [b"220", b"250", b"235", b"334", b"354", b"421", b"550", b"999", b"-", b" ", b"\r\n", b"\n",
     b"\r", b"2.1.0 ", b"AUTH PLAIN", b"VXNlcm5hbWU6", b"=", b"ok", b"\xff"]
)  # fmt: skip
ANSWERS = st.lists(PIECES | st.binary(max_size=4), max_size=30)


def authenticate(mechanism: str) -> Authenticate:
    plus = mechanism.endswith("PLUS")
    binding = sasl.ChannelBinding("tls-exporter", b"x") if plus else None
    return Authenticate.by(
        sasl.client(
            mechanism, user="u", password="p", token="t", nonce="c", channel_binding=binding
        )
    )


COMMANDS: dict[str, Callable[[], Command]] = {
    "mail": lambda: Mail(Path("user@minfo.sn")),
    "rcpt": lambda: Rcpt(Path("user@minfo.sn")),
    "data": Data,
    "content": lambda: Content(b"x\r\n"),
    "bdat": lambda: Bdat(b"abc"),
    "last": lambda: Bdat(b"abc", last=True),
    "noop": Noop,
    "starttls": StartTls,
    "quit": Quit,
    **{name: lambda name=name: authenticate(name) for name in sasl.MECHANISMS},  # type: ignore[misc]
}


def greeted(*, lmtp: bool, quirks: frozenset[Quirk]) -> SmtpClient:
    client = SmtpClient(lmtp=lmtp, quirks=quirks)
    client.receive(b"220 hi\r\n")
    assert client.next_event()
    client.send((Lhlo if lmtp else Ehlo)("x.sn"))
    client.receive(b"250 x.sn\r\n")
    assert client.next_event()
    return client


@pytest.mark.fuzz
@given(
    st.lists(st.sampled_from(list(COMMANDS)) | st.binary(max_size=8), max_size=6),
    ANSWERS,
    st.booleans(),
    st.sampled_from([NONE, frozenset(Quirk)]),
)
def test_any_answers_end_inside_the_tree(
    said: list[str | bytes],
    answers: list[bytes],
    lmtp: bool,  # noqa: FBT001 - as drawn
    quirks: frozenset[Quirk],
) -> None:
    client = greeted(lmtp=lmtp, quirks=quirks)
    for one in said:
        with suppress(LocalProtocolError):
            client.send_raw(one) if isinstance(one, bytes) else client.send(COMMANDS[one]())
    with suppress(RemoteProtocolError, LocalProtocolError):
        for piece in [*answers, b"\r\n", b""]:
            client.receive(piece)
            while client.next_event() is not None:
                client.outgoing()
    client.legal()
    client.withdraw()
    client.unread()
