"""A result as lines of text, the same for mailsim and for Pigeonhole's sieve-test."""

from __future__ import annotations

from mailsim.protocol.sieve import (
    Action,
    Discard,
    FileInto,
    Keep,
    Redirect,
    Reject,
    Result,
    Vacation,
)


def described(result: Result) -> list[str]:
    """Each action in its order; an implicit keep is marked."""
    if not result.ok:
        return ["error", *(described_action(one) for one in result.actions)]
    return [described_action(one) for one in result.actions]


def described_action(action: Action) -> str:
    match action:
        case Keep(flags, _, implicit):
            return f"{'implicit ' * implicit}keep{shown_flags(flags)}"
        case FileInto(mailbox, flags, _, create, copy):
            name = "keep" if mailbox == "INBOX" else f"fileinto {mailbox}"
            return f"{name}{' :copy' * copy}{' :create' * create}{shown_flags(flags)}"
        case Redirect(address, _, copy):
            return f"redirect {address}{' :copy' * copy}"
        case Discard():
            return "discard"
        case Reject(reason, extended):
            return f"{'e' * extended}reject {reason.replace(chr(13), '?').replace(chr(10), '?')}"
        case Vacation():
            subject = f" :subject {action.subject}" if action.subject is not None else ""
            return f"vacation {action.seconds} {first_line(action.handle)}{subject}"


def shown_flags(flags: tuple[str, ...]) -> str:
    """Pigeonhole shows system flags in lower case and in an order of its own."""
    return "".join(f" {one}" for one in sorted(one.lower() for one in flags))


def first_line(text: str) -> str:
    return text.splitlines()[0] if text.splitlines() else ""
