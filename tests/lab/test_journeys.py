from __future__ import annotations

import pytest

from mailsim import Lab
from mailsim.errors import UsageError

MESSAGE = "From: user@minfo.sn\nTo: cheikh@minfo.sn\nMessage-ID: <essai@minfo.sn>\n\nBonjour\n"


def test_a_message_is_found_by_either_of_its_ids(lab: Lab) -> None:
    way = lab.wait(lab.deliver(MESSAGE))
    assert len(way.queue_ids) == 2  # the filter gives a second
    for queue_id in way.queue_ids:
        assert lab.journey(queue_id) == way
        assert lab.journey(f" {queue_id.lower()}\n") == way


def test_a_message_id_that_looks_like_a_queue_id(lab: Lab) -> None:
    lab.wait(lab.deliver(MESSAGE.replace("essai@minfo.sn", "ABC123")))
    assert lab.journey("ABC123").message_id == "ABC123"


@pytest.mark.parametrize("message", ["never@minfo.sn", "FFFFFFFFFF", "<>", "a b"])
def test_a_message_that_is_unknown(lab: Lab, message: str) -> None:
    lab.wait(lab.deliver(MESSAGE))
    try:
        assert not lab.journey(message)
    except UsageError as error:
        assert message == "<>", error  # noqa: PT017 - the others are only unknown
