"""What the simulator's servers are set to, under the names that Postfix and Amavis give it.

The thesis's construction is a sequence of settings: `config()` gives them for a stage, a
release and the faults that are on.  The servers read nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from mailsim.model.network import Network
from mailsim.model.stage import Release, Stage
from mailsim.servers.faults import CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """main.cf's parameters by their own names; Amavis's and the firewall's behind them.

    Restriction lists hold Postfix's words, an argument in the word behind its restriction
    ("reject_rbl_client", "dnsbl.minfo.sn").  Times are in seconds.
    """

    stage: Stage
    release: Release
    faults: frozenset[str] = frozenset()

    # --- Postfix, for all services
    myhostname: str
    mydomain: str
    mydestination: tuple[str, ...]
    mynetworks: tuple[str, ...]
    recipient_delimiter: str = "+"
    message_size_limit: int = 10_240_000
    smtpd_authorized_xclient_hosts: tuple[str, ...]
    content_filter: str = ""
    """"" or AMAVIS's."""
    canonical_maps: tuple[tuple[str, str], ...] = ()
    header_recipients: bool = False
    """Fault F25: the header's recipients are taken for the envelope's."""

    # --- smtpd
    smtpd_delay_reject: bool = True
    smtpd_helo_required: bool = False
    strict_rfc821_envelopes: bool = False
    disable_vrfy_command: bool = False
    smtpd_client_restrictions: tuple[str, ...] = ()
    smtpd_helo_restrictions: tuple[str, ...] = ()
    smtpd_sender_restrictions: tuple[str, ...] = ()
    smtpd_relay_restrictions: tuple[str, ...] = (
        "permit_mynetworks",
        "permit_sasl_authenticated",
        "defer_unauth_destination",
    )
    smtpd_recipient_restrictions: tuple[str, ...] = ()
    smtpd_data_restrictions: tuple[str, ...] = ()
    smtpd_sasl_auth_enable: bool = False
    smtpd_sasl_mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    smtpd_sender_login_maps: bool = False
    """Whether the owner of each address is known (address → login)."""
    smtpd_tls_security_level: str = ""
    """"", "may" or "encrypt"."""
    smtpd_tls_auth_only: bool = False
    smtpd_tls_wrappermode: bool = False
    smtpd_forbid_bare_newline: str = "no"
    """"no", "normalize" or "reject"."""
    smtpd_forbid_bare_newline_exclusions: tuple[str, ...] = ()
    smtpd_forbid_unauth_pipelining: bool = False
    smtpd_recipient_limit: int = 1000
    smtpd_soft_error_limit: int = 10
    smtpd_hard_error_limit: int = 20
    smtpd_junk_command_limit: int = 100
    smtpd_error_sleep_time: float = 1.0
    smtpd_timeout: float = 300.0
    smtpd_client_connection_count_limit: int = 50
    default_process_limit: int = 500
    smtpd_sasl_failure_delay: float = 2.0
    """How long a failed AUTH takes (Dovecot's auth_failure_delay)."""

    # --- queue and delivery
    maximal_queue_lifetime: float = 5 * 86_400
    bounce_queue_lifetime: float = 5 * 86_400
    minimal_backoff_time: float = 300
    maximal_backoff_time: float = 4_000
    queue_run_delay: float = 300
    smtp_tls_security_level: str = ""

    # --- Dovecot and Pigeonhole
    ssl: str = "no"
    """"no", "yes" or "required": no login before TLS."""
    disable_plaintext_auth: bool = False
    auth_mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    mail_max_userip_connections: int = 500
    """Dovecot's default is 10; here a whole class and its webmail come from one address."""
    pop3_lock_session: bool = True
    """Dovecot's default is no; RFC 1939 §4 and the thesis (2.1.2.2) want the maildrop locked."""
    pop3_lock_timeout: float = 10.0
    """How long a login waits for the lock (session_dotlock_set in Dovecot's pop3-client.c)."""
    mailbox_transport: str = "lmtp:unix:private/dovecot-lmtp"
    """"" leaves delivery to local(8) itself (fault F12)."""
    sieve: bool = False
    sieve_before: str = ""
    sieve_default: str = ""
    """The script of who has none of his own (SIE4)."""
    sieve_after: str = ""
    sieve_extensions: tuple[str, ...] = (
        "vacation-seconds", "spamtest", "spamtestplus", "virustest", "editheader",
    )  # fmt: skip
    """What the lab adds to Pigeonhole's default: it shows all that there is."""
    sieve_max_script_size: int = 1024 * 1024
    sieve_quota_max_scripts: int = 0
    """0 is no limit."""
    sieve_quota_max_storage: int = 0
    """Octets; 0 is no limit."""

    # --- Amavis: None is Perl's undef
    bypass_virus_checks: bool = True
    bypass_spam_checks: bool = True
    sa_tag_level_deflt: float | None = None
    sa_tag2_level_deflt: float | None = 6.0
    sa_kill_level_deflt: float | None = 6.0
    sa_spam_subject_tag: str = ""
    final_virus_destiny: str = "D_DISCARD"
    final_banned_destiny: str = "D_BOUNCE"
    final_spam_destiny: str = "D_PASS"
    final_bad_header_destiny: str = "D_PASS"
    local_domains: tuple[str, ...] = ()

    # --- firewall
    open_ports: frozenset[int] | None = None
    """None: no firewall, what does not listen is closed; else all others are filtered."""
    loopback_dropped: bool = False
    """Fault F9."""

    # --- name server
    dnsbl_lists_all: bool = False
    """Fault F23: the block list answers 127.0.0.2 to everything."""

    # --- certificate
    certificate: str = "lab"
    """"lab", "self-signed", "expired", "wrong-name", or "" (F28: none on 465)."""

    @property
    def services(self) -> tuple[str, ...]:
        """The names of the endpoints that answer at this stage, filtered ones included."""
        return _services(self.stage)

    def service(self, name: str) -> Config:
        """What master.cf's -o options make of it for "smtp", "submission" or "submissions"."""
        return _SERVICES[name](self)


FIREWALL_OPEN = frozenset({22, 25, 53, 80, 443, 465, 587, 993, 995})


# Where the content filter listens, and where it gives mail back (AMA2, AMA3).
AMAVIS: Final = 10024
REINJECTION: Final = 10025


def _services(stage: Stage) -> tuple[str, ...]:
    names = ["dns"]
    if stage >= Stage.MAIL:
        names += ["smtp", "pop3", "imap"]
    if stage >= Stage.TLS:
        names += ["submission", "submissions", "pop3s", "imaps"]
    if stage >= Stage.SIEVE:
        names += ["managesieve"]
    return tuple(names)


def _smtp(config: Config) -> Config:
    # No AUTH on 25 from stage tls on (submission is port 587: RFC 6409 §3.1); F7 brings it back.
    if config.stage >= Stage.TLS and "F7" not in config.faults:
        return replace(config, smtpd_sasl_auth_enable=False)
    return config


def _submitting(config: Config, *, anyone: bool) -> Config:
    """587 and 465: who logs in may send, under its own addresses (SAS3; F8 lets anyone)."""
    if anyone:
        return config
    return replace(
        config,
        smtpd_client_restrictions=("permit_sasl_authenticated", "reject"),
        smtpd_sender_restrictions=("reject_sender_login_mismatch",),
        smtpd_relay_restrictions=("permit_sasl_authenticated", "reject"),
        smtpd_recipient_restrictions=(
            "reject_non_fqdn_recipient",
            "reject_unknown_recipient_domain",
        ),
        smtpd_sender_login_maps=True,
    )


def _submission(config: Config) -> Config:
    return replace(
        _submitting(config, anyone=False),
        smtpd_tls_security_level="encrypt",
        smtpd_tls_auth_only=True,
        smtpd_sasl_auth_enable=True,
    )


def _submissions(config: Config) -> Config:
    return replace(
        _submitting(config, anyone="F8" in config.faults),
        smtpd_tls_wrappermode=True,
        smtpd_sasl_auth_enable=True,
        certificate="" if "F28" in config.faults else config.certificate,
    )


_SERVICES = {
    "smtp": _smtp,
    "submission": _submission,
    "submissions": _submissions,
}


def config(
    network: Network, stage: Stage, release: Release, faults: frozenset[str] = frozenset()
) -> Config:
    """The whole system at `stage`, as `release`'s packages behave, with these faults on."""
    made = Config(
        stage=stage,
        release=release,
        faults=faults,
        myhostname=network.server.name,
        mydomain=network.domain,
        mydestination=(  # MTA3
            network.domain, network.server.name, f"localhost.{network.domain}", "localhost",
        ),
        mynetworks=("127.0.0.0/8", network.lan),  # MTA4
        smtpd_authorized_xclient_hosts=(network.client.address,),
        local_domains=(network.domain,),
        # Debian 13's and 26.04's default; 24.04 has it set explicitly.
        smtpd_forbid_bare_newline="no" if release is Release.BOOKWORM else "normalize",
        smtpd_forbid_bare_newline_exclusions=("$mynetworks",),
        smtpd_forbid_unauth_pipelining=release.postfix >= (3, 9, 0),
    )  # fmt: skip
    if release is Release.FULL:  # which may offer more than Pigeonhole does
        made = replace(made, sieve_extensions=(*made.sieve_extensions, "ereject"))
    for since, change in _STAGES:
        if stage >= since:
            made = change(made, network)
    for fault, change in CHANGES.items():
        if fault in faults:
            made = change(made, network)
    return made


def _sasl(c: Config, _: Network) -> Config:
    return replace(c, smtpd_sasl_auth_enable=True)  # SAS2


def _relay(c: Config, n: Network) -> Config:
    return replace(
        c,
        mynetworks=("127.0.0.0/8",),  # MTA4 today: trusting the LAN skips every check
        disable_vrfy_command=True,  # F24
        smtpd_delay_reject=True,  # REL2
        smtpd_helo_required=True,  # REL3
        strict_rfc821_envelopes=True,  # REL4
        smtpd_client_restrictions=(  # REL5
            "permit_mynetworks", "permit_sasl_authenticated", "reject_rbl_client", n.dnsbl,
        ),
        smtpd_helo_restrictions=(  # REL6
            "permit_mynetworks", "permit_sasl_authenticated",
            "reject_non_fqdn_helo_hostname", "reject_invalid_helo_hostname",
        ),
        smtpd_sender_restrictions=(  # REL7
            "permit_mynetworks", "permit_sasl_authenticated",
            "reject_non_fqdn_sender", "reject_unknown_sender_domain",
        ),
        smtpd_relay_restrictions=(  # REL8
            "permit_mynetworks", "permit_sasl_authenticated", "reject_unauth_destination",
        ),
        smtpd_recipient_restrictions=(  # REL8
            "reject_non_fqdn_recipient", "reject_unknown_recipient_domain",
        ),
    )  # fmt: skip


def _tls(c: Config, _: Network) -> Config:
    return replace(
        c,
        smtpd_tls_security_level="may",  # TLS6
        smtpd_tls_auth_only=True,
        smtp_tls_security_level="may",
        ssl="required",  # TLS5
        disable_plaintext_auth=True,
    )


def _firewall(c: Config, _: Network) -> Config:
    extra = {4190} if c.stage >= Stage.SIEVE else set()
    return replace(c, open_ports=FIREWALL_OPEN | extra)  # FW1 to FW3


def _amavis(c: Config, _: Network) -> Config:
    return replace(c, content_filter=f"smtp-amavis:[127.0.0.1]:{AMAVIS}")  # AMA2


def _clamav(c: Config, _: Network) -> Config:
    return replace(c, bypass_virus_checks=False)  # CLM3


def _spamassassin(c: Config, _: Network) -> Config:
    return replace(c, bypass_spam_checks=False)  # SPA8


# The thesis's global script (SIE5): what SpamAssassin has marked goes to Junk.
_SPAM_TO_JUNK: Final = """\
# SIE5: what Amavis calls spam goes to Junk.
require ["fileinto", "mailbox"];
if header :contains "X-Spam-Flag" "YES" {
  fileinto :create "Junk";
}
"""


def _sieve(c: Config, _: Network) -> Config:
    return replace(c, sieve=True, sieve_default=_SPAM_TO_JUNK)  # SIE1, SIE4, SIE5


_STAGES: Final[tuple[tuple[Stage, Callable[[Config, Network], Config]], ...]] = (
    (Stage.SASL, _sasl),
    (Stage.RELAY, _relay),
    (Stage.TLS, _tls),
    (Stage.FIREWALL, _firewall),
    (Stage.AMAVIS, _amavis),
    (Stage.CLAMAV, _clamav),
    (Stage.SPAMASSASSIN, _spamassassin),
    (Stage.SIEVE, _sieve),
)

# F8 and F28 act on 465 alone, F22 on the accounts' passwords.
FAULTS = (*CHANGES, "F8", "F22", "F28")
