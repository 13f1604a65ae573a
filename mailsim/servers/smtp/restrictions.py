"""smtpd_*_restrictions: lists of rules, tried in their order until one permits or rejects.

A temporary lookup problem behind a rule that would reject is remembered: what is permitted in
the end is put off then (defer_if_permit).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from mailsim.servers import replies
from mailsim.servers.queue.addresses import Addresses
from mailsim.servers.smtp.names import without_dot
from mailsim.servers.smtp.parsing import resolve
from mailsim.servers.smtp.rules import (
    CLIENT,
    DATA,
    DUNNO,
    HELO,
    RECIPIENT,
    RULES,
    SENDER,
    Case,
    Rule,
    Verdict,
)
from mailsim.wire.smtp import Reply

if TYPE_CHECKING:
    from mailsim.servers.config import Config
    from mailsim.servers.smtp.journal import Journal
    from mailsim.servers.smtp.state import State
    from mailsim.servers.world import World


class Restrictions:
    """One service's lists, for one connection."""

    def __init__(self, world: World, config: Config, state: State, journal: Journal) -> None:
        self.config = config
        self.state = state
        self.journal = journal
        self.world = world
        self.addresses = Addresses(world)
        self._resolved: dict[str, tuple[str, str, bool]] = {}
        self._deferred: Reply | None = None
        self._deferred_by: dict[str, Reply | None] = {}
        self._shown: str | None = None  # the recipient that a rejection's log line names
        self._from: str | None = None  # the sender that it names before MAIL is through

    # the lists

    def client(self) -> Reply | None:
        """smtpd_client_restrictions."""
        self._deferred = None
        case = Case(str(self.state.client), CLIENT, self._sender, None, self.state.helo)
        return self._list(case, self.config.smtpd_client_restrictions)

    def helo(self, name: str | None) -> Reply | None:
        """smtpd_helo_restrictions, for a client that has said who it is."""
        if name is None:
            return None
        self._deferred = self._deferred_by.get(CLIENT)
        case = Case(name, HELO, self._sender, None, name)
        return self._list(case, self.config.smtpd_helo_restrictions)

    def sender(self, address: str) -> Reply | None:
        """smtpd_sender_restrictions."""
        self._deferred = self._deferred_by.get(CLIENT) or self._deferred_by.get(HELO)
        case = Case(address, SENDER, address, None, self.state.helo)
        return self._list(case, self.config.smtpd_sender_restrictions)

    def recipient(self, address: str) -> Reply | None:
        """All that RCPT asks: the delayed lists, relay and recipient restrictions, and whether
        there is such a local user."""
        # RFC 5321 §4.5.1: postmaster is accepted without a domain.
        # And whoever verifies addresses as this sender must not be refused (Postfix's
        # address_verify_sender).
        if address.lower() in ("postmaster", f"double-bounce@{self.config.mydomain}"):
            return None
        return self._logged_for(address, self._recipient)

    def data(self) -> Reply | None:
        """smtpd_data_restrictions."""
        self._deferred = None
        mail = self.state.mail
        only = mail.recipients[0].address if mail and len(mail.recipients) == 1 else None
        case = Case("DATA", DATA, self._sender, only, self.state.helo)
        return self._logged_for(only or "", lambda _: self._data(case))

    def _data(self, case: Case) -> Reply | None:
        return self._list(case, self.config.smtpd_data_restrictions) or self._put_off()

    def etrn(self) -> Reply | None:
        """The delayed lists; smtpd_etrn_restrictions is empty."""
        if not self.config.smtpd_delay_reject:
            return None
        return self.client() or self.helo(self.state.helo) or self._put_off()

    def reject(self, reply: Reply) -> Reply:
        """Write `reply` in the log as a rejection, and give it back."""
        mail = self.state.mail
        shown = self._shown
        if shown is None:
            shown = mail.recipients[0].address if mail and mail.recipients else ""
        reply = Reply(reply.code, tuple(line.translate(_CONTROLS) for line in reply.lines))
        sender = mail.sender if mail else self._from
        self.journal.reject(self.state, reply, sender=sender, recipient=shown)
        return reply

    # for the rules

    def defer(self, reply: Reply) -> Verdict:
        """Remember why a permission must be put off; the first reason counts."""
        self._deferred = self._deferred or reply
        return DUNNO

    @property
    def _sender(self) -> str | None:
        return self.state.mail.sender if self.state.mail else None

    def reject_mail(self, sender: str, reply: Reply) -> Reply:
        """Refuse MAIL itself, and log it."""
        return self._at_mail(sender, lambda _: self.reject(reply)) or reply

    def sender_at_mail(self, address: str) -> Reply | None:
        """The sender's list at MAIL itself (smtpd_delay_reject = no)."""
        return self._at_mail(address, self.sender)

    def _at_mail(self, address: str, check: Callable[[str], Reply | None]) -> Reply | None:
        """There is no transaction yet, but a sender for the log."""
        self._from = address
        try:
            return check(address)
        finally:
            self._from = None

    def _logged_for(self, address: str, check: Callable[[str], Reply | None]) -> Reply | None:
        self._shown = address
        try:
            return check(address)
        finally:
            self._shown = None

    def _recipient(self, address: str) -> Reply | None:
        config, mail = self.config, self.state.mail
        if config.smtpd_delay_reject:
            found = self.client() or self.helo(self.state.helo)
            found = found or (self.sender(mail.sender) if mail else None)
            if found:
                return found
        self._deferred = self._deferred_by.get(SENDER)
        case = Case(address, RECIPIENT, self._sender, address, self.state.helo)
        for words in (config.smtpd_relay_restrictions, config.smtpd_recipient_restrictions):
            if found := self._list(case, words):
                return found
        return self._put_off() or self._unlisted(address)

    def _put_off(self) -> Reply | None:
        return self.reject(self._deferred) if self._deferred else None

    def _unlisted(self, address: str) -> Reply | None:
        """reject_unlisted_recipient, which stands at the end of every list."""
        local, domain, routed = self.resolve(address)
        if routed or not self.addresses.local(domain) or local.lower() in _ALWAYS:
            return None
        if any(before == address.lower() for before, _ in self.config.canonical_maps):
            return None
        # Postfix looks nobody up where there is no local part.
        if not local or self.addresses.known(local):
            return None
        return self.reject(replies.UNKNOWN_USER(name=address))

    def resolve(self, address: str) -> tuple[str, str, bool]:
        """Local part and domain of where the address leads; whether it is routed there."""
        # A command asks this of its address several times.
        if address not in self._resolved:
            if len(self._resolved) >= _REMEMBERED:
                self._resolved.clear()
            self._resolved[address] = resolve(address, self.addresses.local)
        return self._resolved[address]

    def is_local(self, domain: str) -> bool:
        """Whether mail for the domain ends here."""
        return self.addresses.local(without_dot(domain))

    def _list(self, case: Case, words: tuple[str, ...]) -> Reply | None:
        found: Reply | None = None
        for rule, case.argument in _read(words):
            verdict = rule(self, case)
            if verdict is DUNNO:
                continue
            if isinstance(verdict, Reply):
                found = self.reject(verdict)
            break
        self._deferred_by[case.what] = self._deferred
        return found


@lru_cache
def _read(words: tuple[str, ...]) -> tuple[tuple[Rule, str], ...]:
    """The rules of a list, each with the word behind it that it takes, or ""."""
    found, rest = [], iter(words)
    for word in rest:
        rule, takes_word = RULES[word]
        found.append((rule, next(rest) if takes_word else ""))
    return tuple(found)


_REMEMBERED = 64  # addresses of a connection
_CONTROLS = dict.fromkeys([*range(32), 127], " ")
_ALWAYS = ("postmaster", "mailer-daemon", "double-bounce")
