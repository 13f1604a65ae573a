"""A message goes through its user's scripts, and what they decide is done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mailsim.protocol.sieve import Envelope, FileInto, Keep, Redirect, Refused, Script, run
from mailsim.servers.lmtp import wording
from mailsim.servers.lmtp.surroundings import Surroundings
from mailsim.servers.sieve_runs import SieveRun
from mailsim.servers.store.values import OverQuotaError

if TYPE_CHECKING:
    from mailsim.protocol.sieve import Action, Complaint, Result
    from mailsim.servers.lmtp.actions import Actions
    from mailsim.servers.lmtp.letter import Letter
    from mailsim.servers.lmtp.scripts import Placed
    from mailsim.servers.world import World


class Filtering:
    """One message for one user.

    As Pigeonhole chains scripts: what one decided is done before the next runs, which it does
    only while the message would be kept; the keep that is left is done at the end.
    """

    def __init__(self, world: World, given: Letter, content: bytes, actions: Actions) -> None:
        self._world = world
        self._given = given
        self._content = content
        self._actions = actions
        self._failed: Placed | None = None

    def run(self, scripts: Iterable[Placed]) -> None:
        """Raises OverQuotaError when not even a keep can be done."""
        keep: Keep | None = Keep((), self._content, implicit=True)
        for script in scripts:
            keep, goes_on = self._one(script)
            if not goes_on:
                break
        try:
            if keep:
                self._actions.keep(keep)
        except OverQuotaError:
            if self._failed:
                self._say(self._failed, wording.UNSUCCESSFUL)
            raise
        if self._failed:
            self._say(self._failed, wording.SUCCESSFUL)

    def _one(self, script: Placed) -> tuple[Keep | None, bool]:
        """The keep that a script leaves, and whether the next one runs."""
        implicit = Keep((), self._content, implicit=True)
        if isinstance(script.compiled, Refused):
            self._not_compiled(script, script.compiled)
            return implicit, False
        result = self._result(script, script.compiled)
        if not result.ok:
            self._failed = script
            for error in result.errors:
                self._complain(script, error.pigeonhole)
            return implicit, False
        decided = [one for one in result.actions if not isinstance(one, Keep)]
        if wrong := self._actions.impossible(decided):
            self._failed = script
            for one in () if script.personal else wrong:
                self._actions.say(one, error=True)
            return implicit, False
        keep = next((one for one in result.actions if isinstance(one, Keep)), None)
        if self._actions.perform(decided):
            keep = keep or implicit
        self._actions.remember(result.marks)
        return keep, keep is not None

    def _result(self, script: Placed, compiled: Script) -> Result:
        given = self._given
        result = run(
            compiled,
            self._content,
            Envelope(given.sender, given.address, given.original),
            Surroundings(self._world, given),
            trace=True,
        )
        self._note(script, result.errors, result)
        return result

    def _note(
        self, script: Placed, errors: tuple[Complaint, ...], result: Result | None = None
    ) -> None:
        """What happened, step by step, for who asks."""
        given = self._given
        made = SieveRun(
            given.message_id,
            given.user,
            given.session,
            script.location,
            tuple(map(_shown, result.actions)) if result else (),
            errors,
            result.trace if result else (),
        )
        self._world.store.after(lambda: self._world.sieve_runs.append(made))

    def _not_compiled(self, script: Placed, refused: Refused) -> None:
        self._note(script, refused.errors)
        for error in refused.errors:
            self._complain(script, error.pigeonhole)
        where = wording.VIEW.format(location=script.location) if script.personal else ""
        text = wording.NOT_COMPILED.format(location=script.location, view=where)
        self._actions.say(text, error=not script.personal)

    def _complain(self, script: Placed, text: str) -> None:
        """What is wrong in a personal script stands in the user's own log."""
        if not script.personal:
            said = text.replace(": error: ", ": ").removeprefix("error: ").removesuffix(".")
            self._actions.say(said, error=True)

    def _say(self, script: Placed, what: str) -> None:
        where = wording.REVEAL.format(location=script.location) if script.personal else ""
        text = wording.FAILED.format(location=script.location, what=what, reveal=where)
        self._actions.say(text, error=not script.personal)


def _shown(action: Action) -> tuple[int, str]:
    """An action as a script would write it, with its line: without the message."""
    match action:
        case FileInto():
            return action.line, f'fileinto "{action.mailbox}"'
        case Redirect():
            return action.line, f'redirect "{action.address}"'
        case Keep(implicit=True):
            return 0, "keep (implicit)"
    return action.line, type(action).__name__.lower()
