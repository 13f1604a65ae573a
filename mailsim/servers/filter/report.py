"""The line that Amavis writes for each message: $log_short_templ of amavis 2.13."""

from __future__ import annotations

from mailsim.servers.filter.judgement import Judgement
from mailsim.servers.filter.spam import number

_ACTIONS = {"discard": "Discarded", "bounce": "Bounced", "reject": "Rejected"}


def line(one: Judgement, queued_as: str) -> str:
    """`(01012-01) Passed CLEAN {RelayedInbound}, [192.168.20.1]:40000 <a@x> -> <b@y>, …`"""
    parts = [
        f"({one.am_id}) {one.verdict} {{{','.join(_performed(one))}}}, {_path(one)}",
        f"quarantine: {one.quarantine}" if one.quarantine else "",
        f"Queue-ID: {one.queue_id}" if one.queue_id else "",
        f"Message-ID: <{one.message_id}>" if one.message_id else "",
        f"mail_id: {one.mail_id}",
        f"Hits: {'-' if one.hits is None else number(one.hits)}",
        f"size: {len(one.content)}",
        f"queued_as: {queued_as}" if queued_as else "",
        "0 ms",  # the lab's clock stands still while it works
    ]
    return ", ".join(part for part in parts if part)


def _path(one: Judgement) -> str:
    bank = "MYNETS LOCAL " if one.originating else ""
    port = f":{one.client.port}" if one.client.port else ""
    to = ",".join(f"<{recipient}>" for recipient in one.recipients)
    return f"{bank}[{one.client.address}]{port} <{one.sender}> -> {to}"


def _performed(one: Judgement) -> list[str]:
    """What was done, by direction, in Amavis's order; `Quarantined` last."""
    done = _ACTIONS.get(one.action, "Relayed")
    if one.action == "bounce" and not one.sender:
        done = "NoBounce"
    made = set()
    for recipient in one.recipients:
        local = recipient in one.local
        word = "RelayedTagged" if one.action == "pass" and one.tagged and local else done
        made.add(word + _DIRECTIONS[one.originating, local])
    # Sorted before "RelayedUntagged…" gets its short name.
    ordered = sorted(made, key=lambda word: (word.startswith("RelayedTagged") is False, word))
    return [*ordered, *(["Quarantined"] if one.quarantine else [])]


_DIRECTIONS = {
    (False, True): "Inbound",
    (False, False): "OpenRelay",
    (True, True): "Internal",
    (True, False): "Outbound",
}
