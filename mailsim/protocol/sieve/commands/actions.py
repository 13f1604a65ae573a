"""The actions of the base with fileinto: keep, discard, redirect, fileinto (RFC 5228 §4)."""

from __future__ import annotations

from typing import Final

from mailsim.protocol.sieve.addresses import AddressError, parse_address
from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.commands.flags import FLAGS, action_flags
from mailsim.protocol.sieve.commands.tests import constants, positional
from mailsim.protocol.sieve.complaint import Wrong, shown
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.result import (
    INBOX,
    Action,
    Discard,
    FileInto,
    Keep,
    Redirect,
    Reject,
    mailbox_of,
)
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import Option, Sort, Spec, Type
from mailsim.protocol.sieve.syntax import Node

_COPY: Final = Option("copy", None, "copy")
_CREATE: Final = Option("create", None, "mailbox")


def forbid_after_reject(run: Run, call: Call, action: str) -> None:
    """What delivers does not go with what refuses (RFC 5429 §2.2 has it so for what responds)."""
    for other in run.actions:
        if isinstance(other, Reject):
            where = f"{call.unit.name}: line {other.line}"
            run.fail(Wrong("sieve.reject-conflict", call.place, action=action, where=where))


def _store(run: Run, call: Call, action: Keep | FileInto, *, copy: bool) -> None:
    """Add a storing action; the same mailbox once, with the flags of the last (RFC 5228 §2.10.3)."""
    if isinstance(action, FileInto) or not run.settings.chained:
        forbid_after_reject(run, call, "store")
    mailbox = mailbox_of(action)
    for at, other in enumerate(run.actions):
        if mailbox_of(other) == mailbox:
            # As in Pigeonhole, a second action on the mailbox changes the first one's flags alone.
            run.actions[at] = _merged(other, action)
            run.note(call, "sieve.trace-same-mailbox", {"mailbox": mailbox})
            return
    run.act(call, action, cancels=not copy)


def _merged(old: Action, new: Keep | FileInto) -> Action:
    if isinstance(old, FileInto):
        return FileInto(
            old.mailbox, new.flags, new.content, old.create, old.copy, new.line,
        )  # fmt: skip
    return Keep(new.flags, new.content, line=new.line)


def _keep(run: Run, call: Call) -> None:
    flags = action_flags(run, call)
    run.note(call, "sieve.trace-keep", {"flags": " ".join(flags) or "-"})
    _store(run, call, Keep(flags, run.content, line=call.place.line), copy=False)


def _discard(run: Run, call: Call) -> None:
    run.note(call, "sieve.trace-discard", {})
    run.keeping = False
    if not any(isinstance(one, Discard) for one in run.actions):
        run.act(call, Discard(call.place.line), cancels=True)


def check_mailbox(name: bytes) -> str | None:
    """The mailbox's name as text, or None for one that no mailbox can have."""
    if not _is_text(name):
        return None
    text = name.decode()
    if any(ord(one) < 32 or ord(one) == 127 for one in text):
        return None
    # Dovecot takes a name of nothing for the INBOX too.
    return INBOX if text.upper() in (INBOX, "") else text


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _fileinto_check(_checker: Checker, node: Node, call: Call) -> None:
    for name, text in constants(positional(node, 1), (call.args[0],)):
        # Other names that no mailbox has are found when the script runs, as in Pigeonhole.
        if not _is_text(name):
            raise Wrong("sieve.bad-mailbox", text.place, name=shown(name))


def _fileinto(run: Run, call: Call) -> None:
    name = run.text(call.args[0])
    mailbox = check_mailbox(name)
    if mailbox is None:
        run.fail(Wrong("sieve.bad-mailbox", call.place, name=shown(name)))
        return
    flags = action_flags(run, call)
    copy, create = "copy" in call.tags, "create" in call.tags
    params = {"mailbox": mailbox, "flags": " ".join(flags) or "-"}
    run.note(call, "sieve.trace-fileinto-copy" if copy else "sieve.trace-fileinto", params)
    action = FileInto(mailbox, flags, run.content, create, copy, call.place.line)
    _store(run, call, action, copy=copy)


def _redirect_check(_checker: Checker, node: Node, call: Call) -> None:
    for address, text in constants(positional(node, 1), (call.args[0],)):
        try:
            parse_address(address)
        except AddressError as error:
            raise Wrong(
                "sieve.redirect-address", text.place, address=shown(address), reason=error.reason
            ) from None


def _redirect(run: Run, call: Call) -> None:
    given = run.text(call.args[0])
    try:
        address = bytes(parse_address(given)).decode("utf-8", "replace")
    except AddressError as error:
        run.fail(
            Wrong("sieve.redirect-address", call.place, address=shown(given), reason=error.reason)
        )
        return
    forbid_after_reject(run, call, "redirect")
    copy = "copy" in call.tags
    run.note(call, "sieve.trace-redirect", {"address": address})
    for other in run.actions:
        if isinstance(other, Redirect) and other.address == address:
            return
    action = Redirect(address, run.content, copy, call.place.line)
    run.act(call, action, cancels=not copy)


SPECS: Final = (
    Spec("keep", Sort.COMMAND, _keep, options=(FLAGS,)),
    Spec("discard", Sort.COMMAND, _discard),
    Spec(
        "redirect", Sort.COMMAND, _redirect, (("address", Type.STRING),), (_COPY,),
        check=_redirect_check,
    ),
    Spec(
        "fileinto", Sort.COMMAND, _fileinto, (("folder", Type.STRING),), (_COPY, _CREATE, FLAGS),
        "fileinto", check=_fileinto_check,
    ),
)  # fmt: skip
