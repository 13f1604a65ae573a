from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.errors import LabError, UsageError
from mailsim.model import Endpoint, Protocol, Security
from mailsim.net import endpoint

NONE, IMPLICIT = Security.NONE, Security.IMPLICIT


@pytest.mark.parametrize(
    ("where", "protocol", "tls", "server", "port", "security"),
    [
        ("mail.minfo.sn", Protocol.SMTP, None, "mail.minfo.sn", 25, NONE),
        ("mail.minfo.sn", Protocol.SMTP, True, "mail.minfo.sn", 465, IMPLICIT),
        ("mail.minfo.sn", Protocol.POP3, None, "mail.minfo.sn", 110, NONE),
        ("mail.minfo.sn", Protocol.POP3, True, "mail.minfo.sn", 995, IMPLICIT),
        ("mail.minfo.sn", Protocol.IMAP, False, "mail.minfo.sn", 143, NONE),
        ("mail.minfo.sn", Protocol.IMAP, True, "mail.minfo.sn", 993, IMPLICIT),
        ("mail.minfo.sn", Protocol.MANAGESIEVE, None, "mail.minfo.sn", 4190, NONE),
        ("mail.minfo.sn", Protocol.LMTP, None, "mail.minfo.sn", 24, NONE),
        ("mail.minfo.sn", Protocol.DNS, None, "mail.minfo.sn", 53, NONE),
        ("mail.minfo.sn:587", Protocol.SMTP, None, "mail.minfo.sn", 587, NONE),
        ("mail.minfo.sn:587", Protocol.SMTP, True, "mail.minfo.sn", 587, IMPLICIT),
        ("mail.minfo.sn:465", Protocol.SMTP, None, "mail.minfo.sn", 465, IMPLICIT),
        ("mail.minfo.sn:993", Protocol.IMAP, None, "mail.minfo.sn", 993, IMPLICIT),
        ("mail.minfo.sn:995", Protocol.POP3, False, "mail.minfo.sn", 995, NONE),
        ("mail.minfo.sn:", Protocol.SMTP, None, "mail.minfo.sn", 25, NONE),
        ("  127.0.0.1:2525 ", Protocol.SMTP, None, "127.0.0.1", 2525, NONE),
        ("::1", Protocol.SMTP, None, "::1", 25, NONE),
        ("[::1]", Protocol.SMTP, None, "::1", 25, NONE),
        ("[::1]:65535", Protocol.SMTP, None, "::1", 65535, NONE),
        ("[fe80::1%lo]:1", Protocol.SMTP, None, "fe80::1%lo", 1, NONE),
        ("imap:143", Protocol.IMAP, None, "imap", 143, NONE),
    ],
)
def test_every_form(
    where: str,
    protocol: Protocol,
    tls: bool | None,  # noqa: FBT001 - a parameter of the test
    server: str,
    port: int,
    security: Security,
) -> None:
    found = endpoint(where, protocol, tls=tls)
    assert (found.server, found.port, found.security) == (server, port, security)
    assert found.reached == (server, port)
    assert found.protocol is protocol


@pytest.mark.parametrize(
    "where",
    [
        *("", " ", ":25", "a b:25", "x/25", "1:2:3", "::g"),
        *("[::1", "[::1]25", "[]:25", "[mail.minfo.sn:25", "[::g]:25", "[1.2.3:4]:25"),
    ],
)
def test_what_names_no_server(where: str) -> None:
    with pytest.raises(UsageError) as caught:
        endpoint(where, Protocol.SMTP)
    assert caught.value.message_id == "net.bad-endpoint"
    assert "[IPv6]:PORT" in str(caught.value)


@pytest.mark.parametrize(
    "port", ["0", "65536", "-1", "+25", "2 5", "smtp", "٢٥", "1e3", "99999999999"]
)
def test_what_is_no_port(port: str) -> None:
    for where in (f"mail.minfo.sn:{port}", f"[::1]:{port}"):
        with pytest.raises(UsageError) as caught:
            endpoint(where, Protocol.SMTP)
        assert caught.value.message_id == "net.bad-port"
        assert "1 to 65535" in str(caught.value)


@pytest.mark.parametrize("name", ["smtp", "submissions", "imaps", "dns"])
def test_a_lab_s_name_needs_a_lab(name: str) -> None:
    with pytest.raises(LabError) as caught:
        endpoint(name, Protocol.SMTP)
    assert name in str(caught.value)


def test_the_name_that_is_verified_may_differ() -> None:
    found = endpoint("127.0.0.1:2525", Protocol.SMTP, server_name="mail.minfo.sn")
    assert (found.server, found.reached) == ("mail.minfo.sn", ("127.0.0.1", 2525))
    assert str(found) == "mail.minfo.sn:2525"


def test_an_endpoint_stays_as_it_is() -> None:
    one = Endpoint("smtp", Protocol.SMTP, "mail.minfo.sn", 25)
    assert endpoint(one, Protocol.SMTP) is one


PIECES = st.sampled_from([*"[]:%.1af/² \n", "smtp", ":25", "::1", "65536"])


@pytest.mark.fuzz
@given(
    st.text(max_size=20) | st.lists(PIECES, max_size=8).map("".join),
    st.sampled_from(Protocol),
    st.sampled_from([None, True, False]),
)
def test_any_text_is_an_endpoint_or_refused(
    where: str,
    protocol: Protocol,
    tls: bool | None,  # noqa: FBT001 - as drawn
) -> None:
    found: Endpoint | None = None
    try:
        found = endpoint(where, protocol, tls=tls)
    except (UsageError, LabError) as error:
        assert error.worded("fr")  # noqa: PT017 - the point is that it is one
    if found:
        host, port = found.reached
        assert host == host.strip()
        assert 1 <= port <= 65535
