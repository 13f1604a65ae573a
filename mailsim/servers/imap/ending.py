"""What the log says a client was doing when its connection ended, in Dovecot's words."""

from __future__ import annotations

from typing import Final

from mailsim.protocol.imap.server import ImapServer
from mailsim.servers.imap.words import read_line

NO_COMMANDS: Final = "No commands sent"
_FINISHED: Final = "{name} finished {seconds:.3f} secs ago"
_APPENDING: Final = "While APPENDing: 1 msgs, 0 secs, {arrived}/{size} bytes"
_RUNNING: Final = (
    "{name} running for 0.001 + waiting input for {seconds:.3f} secs, {heard} B in + {said} B out,"
    " state=wait-input"
)
_IDLING: Final = len(b"+ idling\r\n")


def doing(core: ImapServer, finished: str, seconds: float) -> str:
    """What the client was doing; `finished` is the last command, answered `seconds` ago."""
    if core.current_tag is not None:  # IDLE alone waits for more
        return _RUNNING.format(name="IDLE", seconds=seconds, heard=2, said=_IDLING)
    line = read_line(core.begun)
    if line.name == "APPEND" and core.awaited:
        arrived, size = core.awaited
        return _APPENDING.format(arrived=arrived, size=size)
    if line.name:
        return _RUNNING.format(name=line.name, seconds=seconds, heard=0, said=0)
    return _FINISHED.format(name=finished, seconds=seconds) if finished else NO_COMMANDS
