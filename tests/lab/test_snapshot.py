from __future__ import annotations

from base64 import b64encode

import pytest

from mailsim.dialogue.journey import journey
from mailsim.errors import LabError
from mailsim.lab import snapshot
from mailsim.lab.snapshot import Snapshot
from mailsim.model import Protocol
from mailsim.model.queue import QueueName

ENTRY = {
    "queue_id": "4F2A31C0D5",
    "queue": "deferred",
    "sender": "",
    "recipients": [["x@ugb.sn", "Connection refused"], ["y@ugb.sn", ""]],
    "size": 411,
    "arrival": 1.0,
    "message_id": "a@b",
    "next_attempt": 0.0,
}


def test_the_queue_shows_itself_as_postqueue_would() -> None:
    queue = snapshot.queue([ENTRY])
    assert queue[0].queue is QueueName.DEFERRED
    assert repr(queue) == (
        "4F2A31C0D5 deferred      411 MAILER-DAEMON\n"
        "    (Connection refused)\n    x@ugb.sn\n    y@ugb.sn"
    )
    assert repr(snapshot.queue([])) == "()"


def test_the_log_shows_itself_as_it_stands() -> None:
    lines = [
        "Jun 21 08:00:01 mail postfix/qmgr[12]: 4F2A31C0D5: removed",
        "Jun 21 08:00:01 mail dovecot: lmtp: Connect from local",
        "no syslog line",
    ]
    assert repr(snapshot.logs(lines)) == "\n".join(lines)


def test_a_journey_shows_a_line_for_each_stop() -> None:
    lines = [
        "Jun 21 08:00:01 mail postfix/cleanup[12]: 4F2A31C0D5: message-id=<a@b>",
        "Jun 21 08:00:01 mail postfix/qmgr[12]: 4F2A31C0D5: removed",
    ]
    assert repr(journey(lines, message_id="a@b")) == f"cleanup    {lines[0]}\nremoved    {lines[1]}"
    assert repr(journey([], message_id="a@b")) == "()"


def test_mailboxes_are_frozen() -> None:
    content = b64encode(b"Subject: x\r\n\r\n").decode()
    message = {"user": "user", "mailbox": "INBOX", "uid": 1, "message_id": "", "content": content}
    boxes = snapshot.mailboxes([message, {**message, "mailbox": "Spam"}])
    assert repr(boxes) == "user  INBOX 1, Spam 1"
    assert boxes["user"]["INBOX"][0].content == b"Subject: x\r\n\r\n"
    with pytest.raises(TypeError):
        boxes["user"] = 1  # type: ignore[index]


def test_a_snapshot_shows_a_line_for_each_name() -> None:
    assert repr(Snapshot({"a": 1, "long": 2})) == "a     1\nlong  2"
    assert repr(Snapshot({})) == "{}"


def test_endpoints_show_where_they_are_reached() -> None:
    documents = {
        "smtp": {"host": "127.0.0.1", "port": 40025, "state": "open"},
        "submissions": {"host": "", "port": 0, "state": "closed"},
    }
    shown = repr(snapshot.endpoints(documents, "mail.minfo.sn"))
    assert shown == (
        "smtp         mail.minfo.sn:25      open      127.0.0.1:40025\n"
        "submissions  mail.minfo.sn:465     closed"
    )
    assert snapshot.services(Protocol.IMAP) == ["imap", "imaps"]


def test_passwords_are_found_by_user_and_by_address() -> None:
    accounts = snapshot.accounts([{"user": "user", "domain": "minfo.sn", "password": "minfo"}])
    assert accounts.password("user") == accounts.password("user@minfo.sn") == "minfo"
    with pytest.raises(LabError, match=r"no “nobody” here; there is: user@minfo\.sn"):
        accounts.password("nobody")


def test_a_name_that_is_not_there_is_a_sentence_and_a_key_error() -> None:
    boxes = snapshot.mailboxes([])
    with pytest.raises(LabError, match=r"“cheikh” has no mail here; who has some: -\."):
        boxes["cheikh"]
    assert boxes.get("cheikh") is None
    assert "cheikh" not in boxes
    with pytest.raises(KeyError):
        Snapshot({"a": 1})["b"]
    with pytest.raises(LabError, match=r"no “\[\]” here; there is: a\."):
        Snapshot({"a": 1})[[]]  # type: ignore[index]
