"""At which stages one of the thesis's errors changes anything: settings with it and without it."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from mailsim.lab.network import network
from mailsim.model.endpoint import Protocol
from mailsim.model.service import SERVICES
from mailsim.model.stage import Release, Stage
from mailsim.servers.config import Config, config

_SETTINGS: Final = frozenset(one.name for one in fields(Config)) - {"faults"}
_WITHOUT_MAIL: Final = frozenset({"open_ports", "loopback_dropped", "dnsbl_lists_all"})
_OF_SPAM: Final = frozenset(name for name in _SETTINGS if name.startswith("sa_"))


def stages(fault: str, release: Release) -> tuple[Stage, ...]:
    """The stages at which the fault, alone, makes a difference."""
    return tuple(one for one in Stage if _seen(one, release, fault) != _seen(one, release))


def _seen(stage: Stage, release: Release, *faults: str) -> list[object]:
    """The settings that the servers of this stage go by, and whose passwords are weak."""
    made = config(network(), stage, release, frozenset(faults))
    smtp = [one for one in made.services if SERVICES[one].protocol is Protocol.SMTP]
    names = sorted(_in_force(made))
    values = [[getattr(one, name) for name in names] for one in (made, *map(made.service, smtp))]
    return [*values, bool(smtp) and "F22" in faults]


def _in_force(made: Config) -> frozenset[str]:
    """The settings that something reads: a certificate needs TLS, a score needs the filter."""
    if "smtp" not in made.services:
        return _WITHOUT_MAIL
    unread: set[str] = set()
    if not made.smtpd_tls_security_level:
        unread.add("certificate")
    if not made.content_filter:
        unread.add("local_domains")
    if not made.content_filter or made.bypass_spam_checks:
        unread |= _OF_SPAM
    return _SETTINGS - unread
