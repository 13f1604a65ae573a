"""What a client sees of the selected mailbox, from the responses that have come."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mailsim.wire.imap import responses
from mailsim.wire.imap.codes import Code


@dataclass(frozen=True, slots=True)
class Selected:
    """The selected mailbox, as the server has described it so far; None is not said yet."""

    name: str
    read_only: bool = False
    exists: int | None = None
    recent: int | None = None
    flags: tuple[str, ...] = ()
    permanent_flags: tuple[str, ...] | None = None
    uidvalidity: int | None = None
    uidnext: int | None = None
    unseen: int | None = None
    highestmodseq: int | None = None

    def after(self, response: responses.Response) -> Selected:
        """The view once `response` has come."""
        match response:
            case responses.Exists(number):
                return replace(self, exists=number)
            case responses.Recent(number):
                return replace(self, recent=number)
            case responses.Flags(flags):
                return replace(self, flags=flags)
            case responses.Expunge():
                return self._without(1)
            case responses.Vanished(uids, earlier) if not earlier:
                return self._without(uids.count())
            case responses.Status(code=Code() as code):
                return self._told(code)
            case _:
                return self

    def _without(self, number: int) -> Selected:
        return self if self.exists is None else replace(self, exists=max(0, self.exists - number))

    def _told(self, code: Code) -> Selected:
        value = code.value
        match code.name, value:
            case "UIDVALIDITY", int():
                return replace(self, uidvalidity=value)
            case "UIDNEXT", int():
                return replace(self, uidnext=value)
            case "UNSEEN", int():
                return replace(self, unseen=value)
            case "HIGHESTMODSEQ", int():
                return replace(self, highestmodseq=value)
            case "PERMANENTFLAGS", tuple():
                return replace(self, permanent_flags=value)
            case (("READ-ONLY" | "READ-WRITE"), _):
                return replace(self, read_only=code.name == "READ-ONLY")
            case _:
                return self
