"""Every example line of the RFCs that is whole: read, written, read again.

The files hold `= RFC LINE` where writing gives the line back octet for octet, and
`~ RFC LINE` where it is written in another form (a bare word for a quoted one).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mailsim.wire.imap.command_reader import read_command
from mailsim.wire.imap.command_writer import write_command
from mailsim.wire.imap.commands import Command
from mailsim.wire.imap.response_reader import read_response
from mailsim.wire.imap.response_writer import write_response
from mailsim.wire.imap.responses import Unknown

_HERE = Path(__file__).parent
_GENERIC = {
    "SETACL",
    "DELETEACL",
    "LISTRIGHTS",
    "GETMETADATA",
    "SETMETADATA",
    "GETQUOTA",
    "SETQUOTA",
}


def _examples(name: str) -> list[tuple[bool, str]]:
    rows = (_HERE / name).read_text(encoding="utf-8").splitlines()
    return [(row[0] == "=", row.split(" ", 2)[2]) for row in rows]


_RESPONSES = _examples("rfc_responses.txt")
_COMMANDS = _examples("rfc_commands.txt")


def test_there_are_many() -> None:
    assert len(_RESPONSES) > 600
    assert len(_COMMANDS) > 250


@pytest.mark.parametrize("same", [True, False])
def test_responses(same: bool) -> None:  # noqa: FBT001
    for line in (line for kind, line in _RESPONSES if kind is same):
        units = (line.encode() + b"\r\n",)
        value = read_response(units)
        assert not isinstance(value, Unknown) or value.name == "XPIG-LATIN", line
        written = write_response(value)
        assert (written == units) is same, line
        assert read_response(written) == value, line


@pytest.mark.parametrize("same", [True, False])
def test_commands(same: bool) -> None:  # noqa: FBT001
    for line in (line for kind, line in _COMMANDS if kind is same):
        units = (line.encode() + b"\r\n",)
        tag, command = read_command(units)
        if isinstance(command, Command) and command.words:
            assert command.name in _GENERIC, line
        written = tuple(fragment.data for fragment in write_command(tag, command))
        assert (written == units) is same, line
        assert read_command(written) == (tag, command), line
