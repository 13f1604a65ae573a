"""The rules that restriction lists are made of, by Postfix's names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mailsim.servers import replies
from mailsim.servers.networks import in_networks, valid_ipv4
from mailsim.servers.smtp.names import valid_hostname, valid_ipv6, without_dot
from mailsim.wire.smtp import Reply

if TYPE_CHECKING:
    from mailsim.servers.smtp.restrictions import Restrictions

CLIENT, HELO, SENDER = "Client host", "Helo command", "Sender address"
RECIPIENT, DATA = "Recipient address", "Data command"
_TXT_LIMIT = 500  # octets of a block list's reason that are shown


class Verdict(Enum):
    """What a rule says; a Reply where it rejects."""

    PERMIT = "OK"
    DUNNO = "DUNNO"


PERMIT, DUNNO = Verdict.PERMIT, Verdict.DUNNO
Rule = Callable[["Restrictions", "Case"], "Verdict | Reply"]


@dataclass(slots=True)
class Case:
    """What is judged: `name` and `what` are how a refusal calls it; `sender` and `recipient` None
    where there is none yet; `argument` the word behind the rule."""

    name: str
    what: str
    sender: str | None = None
    recipient: str | None = None
    helo: str | None = None
    argument: str = ""


# --- generic


def _permit(_: Restrictions, __: Case) -> Verdict:
    return PERMIT


def _reject(_: Restrictions, case: Case) -> Reply:
    return replies.DENIED(name=case.name, what=case.what)


def _unauth_pipelining(asked: Restrictions, case: Case) -> Verdict | Reply:
    if not asked.state.illegal_pipelining:
        return DUNNO
    return replies.PIPELINING(name=case.name, what=case.what)


# --- the client


def _mynetworks(asked: Restrictions, _: Case) -> Verdict:
    return PERMIT if in_networks(asked.state.client.address, asked.config.mynetworks) else DUNNO


def _sasl_authenticated(asked: Restrictions, _: Case) -> Verdict:
    state = asked.state
    # Before 3.9 XCLIENT LOGIN= counts only where AUTH could have been used.
    usable = state.sasl_active or asked.config.release.postfix >= (3, 9, 0)
    named = state.sasl_method and state.sasl_method.lower() != "anonymous"
    return PERMIT if usable and named else DUNNO


def _rbl_client(asked: Restrictions, case: Case) -> Verdict | Reply:
    address, zone = asked.state.client.address, case.argument
    if not valid_ipv4(address):
        return DUNNO
    reason = _listed(asked, f"{'.'.join(reversed(address.split('.')))}.{zone}")
    if reason is None:
        return DUNNO
    shown = f"; {reason}" if reason else ""
    return replies.LISTED(address=address, zone=zone, reason=shown)


def _listed(asked: Restrictions, query: str) -> str | None:
    """Why the block list has it ("" if it does not say); None if it has not."""
    known = asked.state.blocked
    if query not in known:
        answer = asked.world.names.lookup(query, "A")
        if answer.rcode == "SERVFAIL":
            text = f"Host or domain name not found. Name service error for name={query} type=A: Host not found, try again"
            asked.journal.warn(f"{query}: RBL lookup error: {text}")
        known[query] = _reason(asked, query) if answer.records else None
    return known[query]


def _reason(asked: Restrictions, query: str) -> str:
    texts = asked.world.names.lookup(query, "TXT").records
    return " / ".join(text.replace('" "', "").strip('"') for text in texts)[:_TXT_LIMIT]


# --- HELO


def _helo_literal(name: str) -> Verdict | Reply:
    bare = name[1:-1] if len(name) > 2 and name.endswith("]") else name
    return (
        DUNNO
        if valid_ipv4(bare) or valid_ipv6(bare)
        else replies.INVALID_ADDRESS(name=name, what=HELO)
    )


def _helo(
    helo: str | None, good: Callable[[str], bool], refusal: replies.Wording
) -> Verdict | Reply:
    """A literal is judged as one; a name must be `good`."""
    if helo is None:
        return DUNNO
    if helo.startswith("["):
        return _helo_literal(helo)
    return DUNNO if good(without_dot(helo)) else refusal(name=helo, what=HELO)


def _invalid_helo(_: Restrictions, case: Case) -> Verdict | Reply:
    return _helo(
        case.helo, lambda name: valid_hostname(name) or valid_ipv4(name), replies.INVALID_NAME
    )


def _non_fqdn_helo(asked: Restrictions, case: Case) -> Verdict | Reply:
    def good(name: str) -> bool:
        return valid_hostname(name, utf8=_utf8(asked)) and "." in name

    return _helo(case.helo, good, replies.NON_FQDN_HOST)


def _utf8(asked: Restrictions) -> bool:
    """Names beyond ASCII are good where the client has asked for SMTPUTF8."""
    mail = asked.state.mail
    return bool(mail and mail.smtputf8)


# --- addresses


def _non_fqdn(asked: Restrictions, address: str | None, what: str) -> Verdict | Reply:
    if not address:
        return DUNNO
    domain = address.rpartition("@")[2] if "@" in address else ""
    if domain.startswith("[") and domain.endswith("]"):
        return DUNNO
    name = without_dot(domain)
    if valid_hostname(name, utf8=_utf8(asked)) and "." in name:
        return DUNNO
    return replies.NON_FQDN(name=address, what=what)


def _non_fqdn_sender(asked: Restrictions, case: Case) -> Verdict | Reply:
    return _non_fqdn(asked, case.sender, SENDER)


def _non_fqdn_recipient(asked: Restrictions, case: Case) -> Verdict | Reply:
    return _non_fqdn(asked, case.recipient, RECIPIENT)


def _unknown_domain(asked: Restrictions, address: str | None, what: str) -> Verdict | Reply:
    if not address or "@" not in address:
        return DUNNO
    domain = without_dot(address.rpartition("@")[2])
    if domain.startswith("[") or asked.is_local(domain):
        return DUNNO
    unknown = replies.UNKNOWN_SENDER_DOMAIN if what is SENDER else replies.UNKNOWN_DOMAIN
    for rdtype in ("MX", "A", "AAAA"):
        answer = asked.world.names.lookup(domain, rdtype)
        if answer.rcode == "SERVFAIL":
            return asked.defer(unknown(name=address, what=what))
        if rdtype == "MX" and answer.records == ("0 .",):  # RFC 7505 §3
            null = replies.NULL_MX_SENDER if what is SENDER else replies.NULL_MX
            return null(name=address, what=what, domain=domain)
        if answer.records:
            return DUNNO
    return unknown(name=address, what=what)


def _unknown_sender_domain(asked: Restrictions, case: Case) -> Verdict | Reply:
    return _unknown_domain(asked, case.sender, SENDER)


def _unknown_recipient_domain(asked: Restrictions, case: Case) -> Verdict | Reply:
    return _unknown_domain(asked, case.recipient, RECIPIENT)


def _login_mismatch(asked: Restrictions, case: Case) -> Verdict | Reply:
    """Who is logged in sends as itself; who is not, not as somebody who could be."""
    config, user = asked.config, asked.state.sasl_username
    if not config.smtpd_sasl_auth_enable or not config.smtpd_sender_login_maps or not case.sender:
        return DUNNO
    owner = _owner(asked, case.sender)
    if user:
        if owner and asked.world.accounts.login(user) == owner:
            return DUNNO
        return replies.NOT_OWNED(name=case.sender, user=user)
    return replies.NOT_LOGGED_IN(name=case.sender) if owner else DUNNO


def _owner(asked: Restrictions, address: str) -> str:
    """smtpd_sender_login_maps: the login to whom an address belongs."""
    local, domain, _ = asked.resolve(address)
    return asked.addresses.user(local) if asked.is_local(domain) else ""


def _unauth(asked: Restrictions, case: Case, refusal: replies.Wording) -> Verdict | Reply:
    """Mail for here, and nothing that routes onward from here."""
    if case.recipient is None:
        return DUNNO
    _, domain, routed = asked.resolve(case.recipient)
    if not routed and asked.is_local(domain):
        return DUNNO
    return refusal(name=case.recipient)


def _reject_unauth(asked: Restrictions, case: Case) -> Verdict | Reply:
    return _unauth(asked, case, replies.RELAY_DENIED)


def _defer_unauth(asked: Restrictions, case: Case) -> Verdict | Reply:
    return _unauth(asked, case, replies.RELAY_DEFERRED)


# Each rule, and whether a word follows it.
RULES: dict[str, tuple[Rule, bool]] = {
    "permit": (_permit, False),
    "reject": (_reject, False),
    "reject_unauth_pipelining": (_unauth_pipelining, False),
    "permit_mynetworks": (_mynetworks, False),
    "permit_sasl_authenticated": (_sasl_authenticated, False),
    "reject_rbl_client": (_rbl_client, True),
    "reject_invalid_helo_hostname": (_invalid_helo, False),
    "reject_non_fqdn_helo_hostname": (_non_fqdn_helo, False),
    "reject_non_fqdn_sender": (_non_fqdn_sender, False),
    "reject_non_fqdn_recipient": (_non_fqdn_recipient, False),
    "reject_unknown_sender_domain": (_unknown_sender_domain, False),
    "reject_unknown_recipient_domain": (_unknown_recipient_domain, False),
    "reject_sender_login_mismatch": (_login_mismatch, False),
    "reject_unauth_destination": (_reject_unauth, False),
    "defer_unauth_destination": (_defer_unauth, False),
}
