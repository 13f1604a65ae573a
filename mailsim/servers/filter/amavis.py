"""Amavis: what it looks for is switched by the stage, what becomes of it by the final destinies."""

from __future__ import annotations

import string
from collections import deque
from typing import TYPE_CHECKING

from mailsim.servers.envelope import Client, Submission
from mailsim.servers.filter import notify, report
from mailsim.servers.filter.case import Case, bounces, is_local, reply, response, verdict, what
from mailsim.servers.filter.edits import edit
from mailsim.servers.filter.findings import look
from mailsim.servers.filter.judgement import Category, Edits, Judgement, Quarantined
from mailsim.servers.filter.spam import score
from mailsim.servers.networks import in_networks

if TYPE_CHECKING:
    from mailsim.servers.world import World

# The quarantine holds no more than this; the oldest goes first.
KEPT_OCTETS = 32 * 1024 * 1024
_LETTERS = string.ascii_letters + string.digits
_KINDS = {
    Category.VIRUS: ("virus", "Virus"),
    Category.BANNED: ("banned", "Banned"),
    Category.SPAM: ("spam", "Spam"),
    Category.BADH: ("badh", "BadHdr"),
    Category.UNCHECKED: ("", "Unchecked"),
}
_TAGGED = (Category.SPAM, Category.SPAMMY, Category.UNCHECKED)


class Filter:
    """The content filter of a world (AMA1).  It keeps what is quarantined."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pid = 0
        self._count = 0
        self._kept: deque[Quarantined] = deque()
        self._kept_octets = 0
        self._waiting: dict[str, list[str]] = {}

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """What is in quarantine, the oldest first."""
        return tuple(self._kept)

    def state(self) -> dict[str, object]:
        """For the fingerprint."""
        kept = [
            (one.id, one.sender, one.recipients, one.verdict, len(one.content))
            for one in self._kept
        ]
        return {"count": self._count, "kept": kept}

    def judge(
        self,
        sender: str,
        recipients: tuple[str, ...],
        content: bytes,
        *,
        client: Client,
        queue_id: str = "",
        message_id: str = "",
    ) -> Judgement:
        """What becomes of this message.  Never raises, whatever the content is."""
        config = self._world.config
        found = look(content, for_viruses=not config.bypass_virus_checks)
        local = frozenset(one for one in recipients if is_local(one, config.local_domains))
        case = Case(
            config,
            sender,
            recipients,
            content,
            client,
            found,
            local,
            self._am_id(),
            self._mail_id(),
        )
        if not config.bypass_spam_checks and self._worth_scoring(case):
            case.score = score(found, client, self._world)
        case.decide()
        case.quarantine = self._quarantine(case)
        head = found.message.head
        return Judgement(
            action=case.action,
            verdict=verdict(case),
            hits=case.hits,
            reply=reply(case),
            quarantine=case.quarantine,
            notifications=self._notifications(case),
            score=case.score,
            am_id=case.am_id,
            mail_id=case.mail_id,
            sender=sender,
            recipients=recipients,
            client=client,
            originating=self._originating(client),
            queue_id=queue_id,
            message_id=(message_id or head.get("message-id") or "").strip("<> "),
            local=local,
            tagged=case.category in _TAGGED,
            content=content,
            head_size=len(head.raw),
            edits=self._edits(case),
        )

    def log(self, judgement: Judgement, queued_as: str) -> None:
        """Write Amavis's line, once all that passes of the message was given back to the MTA.

        Called for each content that differs: `queued_as` is the id under which it was taken.
        """
        queued = self._waiting.pop(judgement.mail_id, [])
        queued += [queued_as] if queued_as else []
        contents = {one in judgement.local for one in judgement.recipients}
        if queued_as and len(queued) < len(contents):
            self._waiting[judgement.mail_id] = queued
            return
        self._world.log.write("amavis", self._pid, report.line(judgement, "/".join(queued)))

    def _am_id(self) -> str:
        self._pid = self._pid or self._world.ids.pid()
        self._count += 1
        return f"{self._pid:05d}-{self._count:02d}"

    def _mail_id(self) -> str:
        ids = self._world.ids
        middle = ids.word("mail-id", 10, _LETTERS + "-_")
        ends = ids.word("mail-id", 2, _LETTERS)
        return ends[0] + middle + ends[1]

    def _originating(self, client: Client) -> bool:
        """Whether the client is one of ours: of the LAN, or this host (policy bank MYNETS)."""
        return in_networks(client.address, ("127.0.0.0/8", self._world.network.lan))

    def _worth_scoring(self, case: Case) -> bool:
        """Not what is infected, nor what is stopped already."""
        case.decide()
        return not case.found.viruses and case.action == "pass"

    def _quarantine(self, case: Case) -> str:
        kind = _KINDS.get(case.category, ("", ""))[0]
        if not kind:
            return ""
        name = f"{kind}-{case.mail_id}"
        self._kept.append(
            Quarantined(name, case.sender, case.recipients, verdict(case), case.content)
        )
        self._kept_octets += len(case.content)
        while self._kept_octets > KEPT_OCTETS and len(self._kept) > 1:
            self._kept_octets -= len(self._kept.popleft().content)
        return name

    def _notifications(self, case: Case) -> tuple[Submission, ...]:
        """The alert, and a bounce if that is the destiny and there is someone to bounce to."""
        if case.category < Category.UNCHECKED and case.action != "bounce":
            return ()
        sent = []
        about = self._blocked(case)
        if case.category >= Category.UNCHECKED:
            sent.append(notify.alert(about, f"virusalert@{self._world.network.domain}"))
        if case.action == "bounce" and bounces(case):
            sent.append(notify.bounce(about))
        return tuple(sent)

    def _blocked(self, case: Case) -> notify.Blocked:
        now = self._world.clock.now()
        return notify.Blocked(
            kind=_KINDS.get(case.category, ("", "Clean"))[1],
            what=what(case),
            am_id=case.am_id,
            mail_id=case.mail_id,
            sender=case.sender,
            recipients=case.recipients,
            client=case.client,
            head=case.found.message.head,
            quarantine=case.quarantine,
            response="" if case.action == "pass" else response(case),
            host=case.config.myhostname,
            date=self._world.clock.header(),
            boundary=f"----------=_{int(now)}-{case.am_id}",
            virus=case.category is Category.VIRUS,
        )

    def _edits(self, case: Case) -> dict[bool, Edits]:
        domain, date = self._world.network.domain, self._world.clock.header()
        kinds = {one in case.local for one in case.recipients}
        return {local: edit(case, domain, date, local=local) for local in kinds}
