"""The thesis's errors, as what each sets otherwise.  F8 and F28 act on 465 alone: config.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mailsim.model.stage import Stage

if TYPE_CHECKING:
    from mailsim.model.network import Network
    from mailsim.servers.config import Config


def _f5(c: Config, _: Network) -> Config:
    return replace(
        c, smtpd_forbid_bare_newline="normalize", smtpd_forbid_bare_newline_exclusions=()
    )


def _f6(c: Config, _: Network) -> Config:
    if c.stage < Stage.RELAY:
        return c
    return replace(
        c,
        smtpd_helo_restrictions=("reject_non_fqdn_helo_hostname", "reject_invalid_helo_hostname"),
    )


def _f7(c: Config, _: Network) -> Config:
    return replace(c, smtpd_tls_auth_only=False, myhostname="mail.minfo.org")


def _f9(c: Config, _: Network) -> Config:
    if c.open_ports is None:
        return c
    return replace(c, open_ports=frozenset(), loopback_dropped=True)


def _f10(c: Config, _: Network) -> Config:
    # Before stage firewall there is none to forget anything.
    return c if c.open_ports is None else replace(c, open_ports=c.open_ports - {53, 80, 443})


# The thesis's script: as a Sieve of today it also asks for the extension "mailbox" (SIE5).
_SPACED: Final = """\
# SIE5: what Amavis calls spam goes to Junk.
# F16: a space too many: sievec knows no such extension.
require "fileinto ";
if header :contains "X-Spam-Flag" "YES" {
  fileinto "Junk";
}
"""


def _f16(c: Config, _: Network) -> Config:
    return replace(c, sieve_default=_SPACED) if c.sieve else c


CHANGES: Final[Mapping[str, Callable[[Config, Network], Config]]] = {
    "F5": _f5,
    "F6": _f6,
    "F7": _f7,
    "F9": _f9,
    "F10": _f10,
    "F12": lambda c, _: replace(c, mailbox_transport=""),
    "F16": _f16,
    # "FIXME" stands where the number should: Perl takes it for undef.
    "F18": lambda c, _: replace(c, sa_tag2_level_deflt=None, sa_kill_level_deflt=None),
    "F19": lambda c, _: c,  # rewrite_header in local.cf: under Amavis it changes nothing
    "F20": lambda c, _: replace(c, local_domains=(c.myhostname,)),
    "F23": lambda c, _: replace(c, dnsbl_lists_all=True),
    "F24": lambda c, _: replace(c, disable_vrfy_command=False, smtp_tls_security_level=""),
    "F25": lambda c, _: replace(c, header_recipients=True),
    "F29": lambda c, _: replace(c, canonical_maps=(("secretaire@ugb.sn", "secretariat@ugb.sn"),)),
    "self-signed": lambda c, _: replace(c, certificate="self-signed"),
    "expired": lambda c, _: replace(c, certificate="expired"),
    "wrong-name": lambda c, _: replace(c, certificate="wrong-name"),
}
