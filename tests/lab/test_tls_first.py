"""A login before TLS, where the server offers none: the error names the method to call first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mailsim import Lab
from mailsim.errors import LocalProtocolError


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILSIM_HOME", str(tmp_path_factory.mktemp("home")))
        with Lab(stage="tls", seed=1, name="tls-first") as made:
            yield made


def imap(lab: Lab) -> Any:
    return lab.imap("imap")


def pop3(lab: Lab) -> Any:
    made = lab.pop3("pop3")
    made.capa()
    return made


def smtp(lab: Lab) -> Any:
    made = lab.smtp("submission")
    made.ehlo("poste.minfo.sn")
    return made


@pytest.mark.parametrize(
    ("connect", "login", "call"),
    [
        (imap, "authenticate", "starttls()"),
        (pop3, "auth", "stls()"),
        (smtp, "auth", "starttls(), ehlo()"),
    ],
)
def test_the_method_is_named(
    lab: Lab, connect: Callable[[Lab], Any], login: str, call: str
) -> None:
    with (
        connect(lab) as tracer,
        pytest.raises(LocalProtocolError, match=r"Before TLS mail\.minfo\.sn offers no") as raised,
    ):
        getattr(tracer, login)(None, "user", "minfo")
    assert str(raised.value).endswith(f"call first: {call}.")
    assert raised.value.message_id == "tracer.tls-first"


def test_managesieve_names_it_and_does_it() -> None:
    with Lab(seed=1) as lab, lab.sieve() as sieve:
        with pytest.raises(LocalProtocolError, match=r"call first: starttls\(\)"):
            sieve.login("user", "minfo")
        sieve.starttls()
        assert sieve.login("user", "minfo").ok
