"""Every reply of an SMTP server, in Postfix's words; no other module has any.

Placeholders are in braces.  `version` is Postfix's (Release.postfix).
"""

from __future__ import annotations

from typing import Final

from mailsim.model.stage import Release
from mailsim.wire.smtp import Reply


class Wording:
    """A reply with placeholders: `UNKNOWN_USER(recipient="x@minfo.sn")` fills them in."""

    __slots__ = ("_fixed", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._fixed = None if "{" in text else reply(text)

    def __call__(self, **values: object) -> Reply:
        return self._fixed or reply(self.text.format(**values))


def reply(text: str) -> Reply:
    """ "250 2.1.0 Ok" as a reply; several lines where `text` has several."""
    lines = text.split("\n")
    return Reply(int(lines[0][:3]), tuple(line[4:] for line in lines))


# --- connection

_BANNERS: Final = {
    Release.BOOKWORM: Wording("220 {host} ESMTP Postfix (Debian/GNU)"),
    Release.TRIXIE: Wording("220 {host} ESMTP Postfix (Debian/GNU)"),
    Release.NOBLE: Wording("220 {host} ESMTP Postfix (Ubuntu)"),
    Release.RESOLUTE: Wording("220 {host} ESMTP Postfix (Ubuntu)"),
    Release.FULL: Wording("220 {host} ESMTP Postfix (Ubuntu)"),
}


def banner(release: Release, host: str) -> Reply:
    """The greeting, with the distribution's name as its main.cf has it."""
    return _BANNERS[release](host=host)


HELO: Final = Wording("250 {host}")
BYE: Final = Wording("221 2.0.0 Bye")
RULE_BREAKER: Final = Wording("221 2.7.0 Error: I can break rules, too. Goodbye.")
TOO_MANY_ERRORS: Final = Wording("421 4.7.0 {host} Error: too many errors")
TOO_MANY_CONNECTIONS: Final = Wording("421 4.7.0 {host} Error: too many connections from {address}")
TIMEOUT: Final = Wording("421 4.4.2 {host} Error: timeout exceeded")
SHUTDOWN: Final = Wording("421 {host} Service unavailable - try again later")
ACCESS_DENIED: Final = Wording("503 5.7.0 Error: access denied for {client}")
SYNCHRONIZATION: Final = Wording("554 5.5.0 Error: SMTP protocol synchronization")
BARE_LF: Final = Wording("550 5.5.2 {host} Error: bare <LF> received")
BAD_UTF8: Final = Wording("500 5.5.2 Error: bad UTF-8 syntax")
BAD_SYNTAX: Final = Wording("500 5.5.2 Error: bad syntax")
NOT_RECOGNIZED: Final = Wording("500 5.5.2 Error: command not recognized")
NOT_IMPLEMENTED: Final = Wording("502 5.5.1 Error: command not implemented")

# --- commands of any time

OK: Final = Wording("250 2.0.0 Ok")
HELO_SYNTAX: Final = Wording("501 Syntax: {verb} hostname")
HELO_FIRST: Final = Wording("503 5.5.1 Error: send HELO/EHLO first")
RSET_SYNTAX: Final = Wording("501 5.5.4 Syntax: RSET")
COMMANDS: Final = Wording("214 2.0.0 Commands: {commands}")
VRFY_DISABLED: Final = Wording("502 5.5.1 VRFY command is disabled")
VRFY_SYNTAX: Final = Wording("501 5.5.4 Syntax: VRFY address [SMTPUTF8]")
VRFY_OK: Final = Wording("252 2.0.0 {address}")
ETRN_HELO_FIRST: Final = Wording("503 Error: send HELO/EHLO first")
ETRN_IN_TRANSACTION: Final = Wording("503 Error: MAIL transaction in progress")
ETRN_SYNTAX: Final = Wording("500 Syntax: ETRN domain")
ETRN_PARAMETER: Final = Wording("501 Error: invalid parameter syntax")
ETRN_DENIED: Final = Wording("459 <{domain}>: service unavailable")
IN_TRANSACTION: Final = Wording("503 5.5.1 Error: MAIL transaction in progress")

# --- STARTTLS

STARTTLS_SYNTAX: Final = Wording("501 5.5.4 Syntax: STARTTLS")
TLS_ACTIVE: Final = Wording("554 5.5.1 Error: TLS already active")
TLS_READY: Final = Wording("220 2.0.0 Ready to start TLS")
TLS_UNAVAILABLE: Final = Wording("454 4.7.0 TLS not available due to local problem")
STARTTLS_FIRST: Final = Wording("530 5.7.0 Must issue a STARTTLS command first")

# --- AUTH

AUTH_DISABLED: Final = Wording("503 5.5.1 Error: authentication not enabled")
AUTH_NEEDS_TLS: Final = Wording(
    "504 5.5.4 Encryption required for requested authentication mechanism"
)
AUTH_ALREADY: Final = Wording("503 5.5.1 Error: already authenticated")
AUTH_SYNTAX: Final = Wording("501 5.5.4 Syntax: AUTH mechanism")
AUTH_CHALLENGE: Final = Wording("334 {challenge}")
AUTH_TOO_LONG: Final = Wording("500 5.5.6 SASL response limit exceeded")
AUTH_ABORTED: Final = Wording("501 5.7.0 Authentication aborted")
AUTH_FAILED: Final = Wording("535 5.7.8 Error: authentication failed: {reason}")
AUTH_OK: Final = Wording("235 2.7.0 Authentication successful")

# --- MAIL

MAIL_OK: Final = Wording("250 2.1.0 Ok")
NESTED_MAIL: Final = Wording("503 5.5.1 Error: nested MAIL command")
AFTER_BDAT: Final = Wording("503 5.5.1 Error: {verb} after BDAT")
MAIL_SYNTAX: Final = Wording("501 5.5.4 Syntax: MAIL FROM:<address>")
BAD_SENDER: Final = Wording("501 5.1.7 Bad sender address syntax")
BAD_SIZE: Final = Wording("501 5.5.4 Bad message size syntax")
SIZE_OVERFLOW: Final = Wording("552 5.3.4 Message size exceeds file system imposed limit")
NO_SPACE: Final = Wording("452 4.3.1 Insufficient system storage")
SIZE_LIMIT: Final = Wording("552 5.3.4 Message size exceeds fixed limit")
MULTIPLE_AUTH: Final = Wording("503 5.5.4 Error: multiple AUTH= options")
BAD_RET: Final = Wording("501 5.5.4 Bad RET parameter syntax")
BAD_ENVID: Final = Wording("501 5.5.4 Bad ENVID parameter syntax")
UNSUPPORTED: Final = Wording("555 5.5.4 Unsupported option: {option}")

# --- RCPT

RCPT_OK: Final = Wording("250 2.1.5 Ok")
NEED_MAIL: Final = Wording("503 5.5.1 Error: need MAIL command")
RCPT_SYNTAX: Final = Wording("501 5.5.4 Syntax: RCPT TO:<address>")
BAD_RECIPIENT: Final = Wording("501 5.1.3 Bad recipient address syntax")
BAD_NOTIFY: Final = Wording("501 5.5.4 Error: Bad NOTIFY parameter syntax")
BAD_ORCPT: Final = Wording("501 5.5.4 Error: Bad ORCPT parameter syntax")
TOO_MANY_RECIPIENTS: Final = Wording("452 4.5.3 Error: too many recipients")

# --- DATA and BDAT

DATA_OK: Final = Wording("354 End data with <CR><LF>.<CR><LF>")
DATA_SYNTAX: Final = Wording("501 5.5.4 Syntax: DATA")
NEED_RCPT: Final = Wording("503 5.5.1 Error: need RCPT command")
NO_RECIPIENTS: Final = Wording("554 5.5.1 Error: no valid recipients")
QUEUED: Final = Wording("250 2.0.0 Ok: queued as {queue_id}")
TOO_MANY_HOPS: Final = Wording("554 5.4.0 Error: too many hops")
WRITE_ERROR: Final = Wording("451 4.3.0 Error: queue file write error")
TOO_BIG: Final = Wording("552 5.3.4 Error: message file too big")
BDAT_SYNTAX: Final = Wording("521 5.5.4 Syntax: BDAT count [LAST]")
BDAT_NULL: Final = Wording("551 5.7.1 Null BDAT request")
BDAT_DISCARDED: Final = Wording("551 5.0.0 Discarded {size} bytes after earlier error")
BDAT_TOO_BIG: Final = Wording("552 5.3.4 Chunk exceeds message size limit")
BDAT_OK: Final = Wording("250 2.0.0 Ok: {size} bytes")
BDAT_QUEUED: Final = Wording("250 2.0.0 Ok: {size} bytes queued as {queue_id}")

# --- XCLIENT

XCLIENT_SYNTAX: Final = Wording("501 5.5.4 Syntax: {verb} attribute=value...")
UNAUTHORIZED: Final = Wording("550 5.7.0 Error: insufficient authorization")
XCLIENT_PAIR: Final = Wording("501 5.5.4 Error: attribute=value expected")
XCLIENT_LONG: Final = Wording("501 5.5.4 Error: attribute value too long")
XCLIENT_VALUE: Final = Wording("501 5.5.4 Bad {attribute} syntax: {value}")
XCLIENT_NAME: Final = Wording("501 5.5.4 Bad XCLIENT attribute name: {name}")

# --- restrictions: `what` is "Client host", "Helo command", "Sender address" …

DENIED: Final = Wording("554 5.7.1 <{name}>: {what} rejected: Access denied")
PIPELINING: Final = Wording(
    "503 5.5.0 <{name}>: {what} rejected: Improper use of SMTP command pipelining"
)
LISTED: Final = Wording(
    "554 5.7.1 Service unavailable; Client host [{address}] blocked using {zone}{reason}"
)
INVALID_NAME: Final = Wording("501 5.5.2 <{name}>: {what} rejected: Invalid name")
INVALID_ADDRESS: Final = Wording("501 5.5.2 <{name}>: {what} rejected: invalid ip address")
NON_FQDN_HOST: Final = Wording("504 5.5.2 <{name}>: {what} rejected: need fully-qualified hostname")
NON_FQDN: Final = Wording("504 5.5.2 <{name}>: {what} rejected: need fully-qualified address")
UNKNOWN_SENDER_DOMAIN: Final = Wording("450 4.1.8 <{name}>: {what} rejected: Domain not found")
UNKNOWN_DOMAIN: Final = Wording("450 4.1.2 <{name}>: {what} rejected: Domain not found")
NULL_MX_SENDER: Final = Wording(
    "550 5.7.27 <{name}>: {what} rejected: Domain {domain} does not accept mail (nullMX)"
)
NULL_MX: Final = Wording(
    "556 5.1.10 <{name}>: {what} rejected: Domain {domain} does not accept mail (nullMX)"
)
NOT_OWNED: Final = Wording("553 5.7.1 <{name}>: Sender address rejected: not owned by user {user}")
NOT_LOGGED_IN: Final = Wording("553 5.7.1 <{name}>: Sender address rejected: not logged in")
RELAY_DENIED: Final = Wording("554 5.7.1 <{name}>: Relay access denied")
RELAY_DEFERRED: Final = Wording("454 4.7.1 <{name}>: Relay access denied")
UNKNOWN_USER: Final = Wording(
    "550 5.1.1 <{name}>: Recipient address rejected: User unknown in local recipient table"
)

# The foreign domains' servers have no local users.
UNKNOWN_VIRTUAL_USER: Final = Wording(
    "550 5.1.1 <{name}>: Recipient address rejected: User unknown in virtual mailbox table"
)


def catalogue() -> dict[str, Wording]:
    """All wordings by their names."""
    named = {name: one for name, one in globals().items() if isinstance(one, Wording)}
    return named | {f"BANNER_{release.name}": one for release, one in _BANNERS.items()}
