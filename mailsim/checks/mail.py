"""What many exercises ask first: was this message sent, and where did it end?"""

from __future__ import annotations

from mailsim.checks.evidence import Evidence, subject_of
from mailsim.checks.transaction import Transaction
from mailsim.checks.verdict import Finding, bad
from mailsim.model.log import LogLine


def sent_with(evidence: Evidence, subject: str) -> tuple[Transaction, ...]:
    """The transactions whose message carries this Subject, the latest last."""
    return tuple(
        one
        for one in evidence.transactions()
        if one.content is not None and subject_of(one.content) == subject
    )


def not_sent(evidence: Evidence, subject: str) -> Finding | None:
    """Why no message of that Subject was taken; None where one was."""
    with_it = sent_with(evidence, subject)
    if any(one.taken for one in with_it):
        return None
    if with_it and with_it[-1].reply:
        reply = with_it[-1].reply
        return bad(
            "checks.message-refused", "checks.read-the-reply", code=reply.code, text=reply.text
        )
    every = evidence.transactions()
    if not every:
        return bad("checks.nothing-sent", "checks.send-it")
    others = [one for one in every if one.content is not None]
    if others:
        other = subject_of(others[-1].content or b"")
        return bad(
            "checks.other-subject", "checks.copy-the-subject", found=other or "-", wanted=subject
        )
    return _stopped(every[-1])


def _stopped(last: Transaction) -> Finding:
    """A transaction that came to no message: which reply ended it."""
    refused = [
        (address, reply)
        for address, reply in (*last.recipients, (last.sender, last.mail))
        if reply is not None and reply.code[0] in "45"
    ]
    if refused:
        address, reply = refused[0]
        return bad(
            "checks.address-refused",
            "checks.read-the-reply",
            address=address,
            code=reply.code,
            text=reply.text,
        )
    return bad("checks.no-message", "checks.after-rcpt")


def log_of(evidence: Evidence, address: str, status: str) -> tuple[LogLine, ...]:
    """The log's lines that tell of a delivery to `address`, such as "bounced"."""
    return tuple(
        line
        for line in evidence.logs
        if line.fields.get("to") == address and line.fields.get("status") == status
    )
