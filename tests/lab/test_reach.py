from __future__ import annotations

from typing import Any

import pytest

from mailsim.errors import ConnectionRefused, ConnectionTimeout, LabError, UsageError
from mailsim.lab.reach import Reach
from mailsim.model import Protocol, Security


class Told:
    """A backend whose lab is as `endpoints` says."""

    def __init__(self, **endpoints: tuple[str, int, str]) -> None:
        self.kept: list[dict[str, Any]] = []
        self.about: dict[str, Any] = {
            "ca": "ca.pem",
            "fixed": True,
            "seed": "1",
            "endpoints": {
                name: {"host": host, "port": port, "state": state}
                for name, (host, port, state) in endpoints.items()
            },
        }

    def ask(self, operation: str, /, **parameters: Any) -> Any:
        if operation == "describe":
            return self.about
        self.kept.append(parameters["record"])
        return True


def test_an_open_service_is_reached_under_its_lab_name() -> None:
    reach = Reach(Told(smtp=("127.0.0.1", 40025, "open")))
    found = reach.service("smtp", Protocol.SMTP)
    assert (str(found), found.reached) == ("mail.minfo.sn:25", ("127.0.0.1", 40025))
    assert found.security is Security.NONE
    assert reach.service("smtp", Protocol.SMTP, tls=True).security is Security.IMPLICIT


@pytest.mark.parametrize(
    ("state", "kind", "sentence"),
    [
        ("closed", ConnectionRefused, r"nothing listens on mail\.minfo\.sn, port 143"),
        ("filtered", ConnectionTimeout, r"No answer from mail\.minfo\.sn, port 143"),
    ],
)
def test_what_a_client_meets_is_raised_and_kept(
    state: str, kind: type[Exception], sentence: str
) -> None:
    backend = Told(imap=("", 0, state))
    with pytest.raises(kind, match=sentence):
        Reach(backend).service("imap", Protocol.IMAP)
    assert [one["dialogue"]["endpoint"]["name"] for one in backend.kept] == ["imap"]


def test_a_server_that_is_not_there_yet() -> None:
    with pytest.raises(LabError, match="no server for managesieve yet; it arrives later"):
        Reach(Told()).service("managesieve", Protocol.MANAGESIEVE)


def test_a_service_of_another_protocol() -> None:
    with pytest.raises(UsageError, match="“smtp” is no service of this protocol; accepted: pop3, "):
        Reach(Told(smtp=("127.0.0.1", 40025, "open"))).service("smtp", Protocol.POP3)


def test_query_ids_repeat_only_where_all_does() -> None:
    backend = Told()
    drawn = []
    for _ in range(2):
        ids = Reach(backend).query_ids()
        assert ids is not None
        drawn.append([ids() for _ in range(5)])
    assert drawn[0] == drawn[1]
    backend.about["fixed"] = False
    assert Reach(backend).query_ids() is None
