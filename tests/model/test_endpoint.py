from __future__ import annotations

import pytest

from mailsim import SmtpTracer
from mailsim.errors import UsageError
from mailsim.model import Endpoint, Protocol
from mailsim.wire.smtp import Path


def test_an_endpoint_says_where_it_is_and_where_it_is_reached() -> None:
    lab = Endpoint(
        "smtp", Protocol.SMTP, "mail.minfo.sn", 25, address="127.0.0.1", reached_port=40025
    )
    assert (str(lab), lab.reached) == ("mail.minfo.sn:25", ("127.0.0.1", 40025))
    assert Endpoint("x", Protocol.SMTP, "x.sn", 25).reached == ("x.sn", 25)


@pytest.mark.parametrize("port", [-5, 65_536, 10**400])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(UsageError):
        Endpoint("x", Protocol.SMTP, "x.sn", port)
    with pytest.raises(UsageError):
        Endpoint("x", Protocol.SMTP, "x.sn", 25, reached_port=port)


@pytest.mark.parametrize("wrong", [None, 25, b"x:25", ["x"]])
def test_what_is_no_text_is_wrong_use(wrong: object) -> None:
    with pytest.raises(UsageError):
        SmtpTracer(wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        Path.of(wrong)  # type: ignore[arg-type]
