"""The trace field that each server adds: RFC 5321 §4.4, in Postfix's form."""

from __future__ import annotations

from mailsim.servers.envelope import Submission


def by_smtpd(submission: Submission, queue_id: str, host: str, date: str) -> bytes:
    """`Received: from HELO (NAME [ADDRESS])`, as Postfix's smtpd writes it."""
    client = submission.client
    lines = [f"Received: from {submission.helo or client.name} ({client.name} [{client.address}])"]
    if submission.tls:
        lines += [f"\t(using {submission.tls})", "\t(No client certificate requested)"]
    by = f"\tby {host} (Postfix) with {submission.protocol} id {queue_id}"
    # The recipient is named only where it betrays no other (RFC 5321 §7.6).
    if len(submission.recipients) == 1:
        lines += [by, f"\tfor <{submission.recipients[0].address}>; {date}"]
    else:
        lines += [f"{by};", f"\t{date}"]
    return _field(lines)


def by_postfix(queue_id: str, host: str, date: str, uid: int | None = None) -> bytes:
    """Of mail that begins here: a notification, or what a user's program handed to sendmail."""
    whom = "" if uid is None else f", from userid {uid}"
    return _field([f"Received: by {host} (Postfix{whom})", f"\tid {queue_id}; {date}"])


def _field(lines: list[str]) -> bytes:
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "surrogateescape")
