from __future__ import annotations

import pytest

from mailsim.errors import RemoteProtocolError
from mailsim.wire.imap.response_reader import read_response
from mailsim.wire.imap.responses import Continuation, Status
from mailsim.wire.quirk import Quirk

LENIENT = frozenset({Quirk.MISSING_SPACE})


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"+\r\n", Continuation()),
        (b"a1 OK\r\n", Status("OK", "", None, "a1")),
    ],
)
def test_a_missing_space_is_taken_by_its_name_alone(
    raw: bytes, value: Continuation | Status
) -> None:
    with pytest.raises(RemoteProtocolError):
        read_response((raw,))
    assert read_response((raw,), quirks=LENIENT) == value
