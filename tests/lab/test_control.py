from __future__ import annotations

import asyncio
import json
import socket
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim import Lab
from mailsim.errors import LabError, UsageError
from mailsim.lab import client, control
from mailsim.lab.client import Attached, find
from mailsim.lab.rundir import RunDir

if TYPE_CHECKING:
    from mailsim.lab.embedded import Site
    from mailsim.net.serving import Peer


@pytest.fixture
def document(lab: Lab) -> dict[str, Any]:
    """lab.json, read while the lab runs."""
    found = RunDir(lab.name).read()
    assert found is not None
    return found


def said(document: dict[str, Any], *lines: object) -> list[Any]:
    """What the control port answers to these lines before it closes."""
    text = b"".join(
        (one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in lines
    )
    with closing(socket.create_connection(("127.0.0.1", document["control"]), 60)) as connected:
        answer = b""
        try:
            connected.sendall(text)
            connected.shutdown(socket.SHUT_WR)
            while data := connected.recv(65_536):
                answer += data
        except OSError:
            pass  # closed while we were still writing
    return [json.loads(line) for line in answer.splitlines()]


def hello(document: dict[str, Any]) -> dict[str, object]:
    return {"mailsim-control": 1, "token": document["token"]}


def test_whoever_has_the_token_is_answered(document: dict[str, Any]) -> None:
    asked = {"ask": "fault", "with": {"name": "F8", "on": True}}
    assert said(document, hello(document), asked) == [{"answer": ["F8"]}]


def test_a_connection_answers_one_request_after_the_other(document: dict[str, Any]) -> None:
    assert len(said(document, hello(document), *[{"ask": "queue"}] * 3)) == 3


@pytest.mark.parametrize(
    "first",
    [
        {"mailsim-control": 1, "token": "guessed"},
        {"mailsim-control": 1, "token": ""},
        {"mailsim-control": 1},
        {"mailsim-control": 1, "token": ["x"]},
        {"mailsim-control": 1, "token": "é\ud800"},
        [],
        b"EHLO poste.minfo.sn",
        b"\xff\xfe",
        b"",
        b"[" * 400,
        b"{" + b" " * 600,
    ],
)
def test_without_the_token_it_is_closed(document: dict[str, Any], lab: Lab, first: object) -> None:
    assert said(document, first, {"ask": "stop"}) == []
    assert lab.queue == ()


def test_another_version_is_closed(document: dict[str, Any]) -> None:
    assert said(document, {**hello(document), "mailsim-control": 2}, {"ask": "queue"}) == []


def test_a_line_without_end_is_closed(
    document: dict[str, Any], lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailsim.lab.control.LONGEST_REQUEST", 1000)
    assert said(document, hello(document), b"x" * 200_000, {"ask": "queue"}) == []
    assert lab.queue == ()


@pytest.mark.parametrize(
    "asked",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        {"ask": 1},
        {"ask": "world"},
        {"ask": "__class__"},
        {"ask": "queue", "with": []},
        {"ask": "fault"},
        {"ask": "fault", "with": {"name": "F8", "on": 1}},
        {"ask": "fault", "with": {"name": "F8", "on": True, "more": 1}},
        {"ask": "advance", "with": {"seconds": True}},
        {"ask": "advance", "with": {"seconds": -1}},
        {"ask": "wait", "with": {"message_id": "x", "timeout": 1e300}},
        {"ask": "keep_evidence", "with": {"record": {}}},
        {"ask": "deliver", "with": {"content": "é", "sender": "", "recipients": ["user"]}},
    ],
)
def test_what_cannot_be_asked_is_an_error_and_the_lab_lives(
    document: dict[str, Any], asked: object
) -> None:
    first, second = said(document, hello(document), asked, {"ask": "queue"})
    assert set(first) == {"error"}
    assert second == {"answer": []}


@given(st.lists(st.binary(max_size=200), max_size=4), st.booleans())
def test_no_bytes_hurt_the_lab(lines: list[bytes], known: bool) -> None:  # noqa: FBT001 - a drawn value
    with Lab(name="fuzz", seed=1) as lab:
        found = RunDir("fuzz").read()
        assert found is not None
        said(found, *[hello(found)] * known, *lines)
        assert lab.queue == ()


def test_errors_come_back_as_they_were_raised(lab: Lab, document: dict[str, Any]) -> None:
    attached = Attached(lab.name, document)
    with pytest.raises(UsageError, match="“F99” is no fault"):
        attached.ask("fault", name="F99", on=True)
    with pytest.raises(LabError, match="No message ABC is at rest in the queue"):
        attached.ask("hold", queue_id="ABC")


def test_an_error_of_a_newer_lab_is_an_error_all_the_same(
    monkeypatch: pytest.MonkeyPatch, lab: Lab, document: dict[str, Any]
) -> None:
    error = {"kind": "NewError", "id": "lab.of-tomorrow", "params": {}}
    monkeypatch.setattr(client, "_answer", lambda _: {"error": error})
    with pytest.raises(LabError, match=r"lab\.of-tomorrow"):
        Attached(lab.name, document).ask("queue")


def test_another_program_on_the_port_is_no_lab(lab: Lab, document: dict[str, Any]) -> None:
    smtp = lab.endpoints["smtp"].reached_port
    with pytest.raises(LabError, match="The lab has ended"):
        Attached(lab.name, {**document, "control": smtp}).ask("queue")


def test_a_lab_that_says_nothing(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PATIENCE", 0.01)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        attached = Attached("one", {**document, "control": silent.getsockname()[1]})
        with pytest.raises(LabError, match=r"“one” has not answered within 0\.01 s"):
            attached.ask("queue")


def test_both_ways_to_a_lab_say_the_same(lab: Lab) -> None:
    attached = find(lab.name)
    assert attached is not None
    lab.deliver("To: user@minfo.sn\nMessage-ID: <x@y>\n\nBonjour\n", "user@minfo.sn")
    lab.idle()
    for operation in (
        "describe",
        "fingerprint",
        "queue",
        "mailboxes",
        "counts",
        "logs",
        "evidence",
    ):
        here = lab._ask(operation)
        assert json.loads(json.dumps(here)) == here, operation
        assert attached.ask(operation) == here, operation


class Dripping:
    """A peer that never ends its line, and is never silent for long."""

    reads = 0
    aborted = False

    async def read(self, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the peer's
        assert timeout is None or timeout > 0
        self.reads += 1
        await asyncio.sleep(0.01)
        return b" "

    def abort(self) -> None:
        self.aborted = True


def test_a_hello_that_drips_is_cut(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_HELLO_SECONDS", 0.05)
    peer = Dripping()
    site = cast("Site", lab._backend)
    session = control._Session(site, "token", lambda: None, cast("Peer", peer))
    asyncio.run(session.run(control._Strangers()))
    assert peer.aborted
    assert peer.reads < control._LONGEST_HELLO / 2


def test_those_without_the_token_cannot_keep_others_out(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_HELLO_SECONDS", 3600)
    with ExitStack() as open_ones:
        for _ in range(2 * (control._CLIENTS + control._STRANGERS)):
            one = socket.create_connection(("127.0.0.1", document["control"]), 60)
            open_ones.enter_context(closing(one))
            one.sendall(b"{")
        assert said(document, hello(document), {"ask": "queue"}) == [{"answer": []}]


def delivery(**changed: object) -> dict[str, object]:
    """A request to deliver, of which this is changed."""
    usual = {"content": "eA0K", "sender": "user@minfo.sn", "recipients": ["cheikh@minfo.sn"]}
    return {"ask": "deliver", "with": usual | changed}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content", "!!!"),
        ("content", "eA0K!"),
        ("content", "eA0"),
        ("sender", "a\r\nb@minfo.sn"),
        ("sender", "\0@minfo.sn"),
        ("sender", "\ud800@minfo.sn"),
        ("recipients", []),
        ("recipients", [1]),
        ("recipients", [""]),
        ("recipients", ["cheikh@minfo.sn", None]),
        ("recipients", ["a\nb@minfo.sn"]),
    ],
)
def test_what_cannot_be_delivered_is_a_bad_request(
    document: dict[str, Any], lab: Lab, name: str, value: object
) -> None:
    (answer,) = said(document, hello(document), delivery(**{name: value}))
    params = {"operation": "deliver", "parameter": name}
    assert answer["error"] == {"kind": "UsageError", "id": "lab.bad-request", "params": params}
    assert lab.queue == ()


def test_what_can_be_delivered(document: dict[str, Any]) -> None:
    (answer,) = said(document, hello(document), delivery())
    assert "answer" in answer


def test_the_clock_ends_before_the_calendar_does(lab: Lab) -> None:
    for _ in range(252):
        lab.advance(999_999_999)
    with pytest.raises(UsageError, match="up to the year 9999"):
        lab.advance(999_999_999)
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
    lab.deliver("To: nobody@ugb.sn\n\nx\n", "user@minfo.sn")
    lab.idle()
    with pytest.raises(UsageError, match="-1 is no time that is accepted"):
        lab.advance(-1)


def test_the_last_lines_of_the_log_alone(lab: Lab, document: dict[str, Any]) -> None:
    lab.deliver("Subject: x\n\nx", "user@minfo.sn", "cheikh@minfo.sn")
    lab.idle()
    attached = Attached(lab.name, document)
    lines = attached.ask("logs")["lines"]
    assert len(lines) > 5
    assert attached.ask("logs", since=-5)["lines"] == lines[-5:]
    assert attached.ask("logs", since=-1000)["lines"] == lines


def test_an_answer_that_is_too_large_says_so(
    lab: Lab, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.deliver("Message-ID: <x@y>\n\n" + "x" * 3000, "user@minfo.sn", "cheikh@minfo.sn")
    lab.idle()
    monkeypatch.setattr(control, "LONGEST_ANSWER", 3000)
    attached = Attached(lab.name, document)
    with pytest.raises(LabError, match=r"What “mailboxes” carries is too large.*mailsim status"):
        attached.ask("mailboxes")
    assert attached.ask("counts") == {"cheikh": {"INBOX": 1}}


def test_a_request_that_is_too_large_says_so(
    lab: Lab, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LONGEST_REQUEST", 3000)
    with pytest.raises(LabError, match="What “deliver” carries is too large"):
        Attached(lab.name, document).ask("deliver", content="A" * 4000, sender="", recipients=["x"])
