"""What the site sets: extensions, periods, where the scanners' verdicts are; Pigeonhole's defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from mailsim.protocol.sieve.limits import DEFAULT, Limits

DAY: Final = 86_400

# What `require` takes with Pigeonhole's defaults (sieve_extensions unset), in the order in which
# it announces them; enotify and the MIME loops of RFC 5703 are not there.
BY_DEFAULT: Final = (
    "fileinto", "reject", "envelope", "encoded-character", "vacation", "subaddress",
    "comparator-i;ascii-numeric", "relational", "regex", "imap4flags", "copy", "include",
    "variables", "body", "environment", "mailbox", "date", "index", "ihave", "duplicate",
)  # fmt: skip
# The comparators of the base need no require, and may be required all the same.
SILENT: Final = ("comparator-i;octet", "comparator-i;ascii-casemap")
# What a site must ask for: sieve_extensions = +editheader …
ON_DEMAND: Final = (
    "ereject", "vacation-seconds", "spamtest", "spamtestplus", "virustest", "editheader", "vnd.dovecot.debug",
)  # fmt: skip
ALL: Final = frozenset((*BY_DEFAULT, *SILENT, *ON_DEMAND))


@dataclass(frozen=True, slots=True)
class Scanner:
    """How a scanner's verdict is read (sieve_spamtest_… and sieve_virustest_…).

    `status_type`: "score", "strlen" or "text"; a header is "Field: regex with one group";
    `texts` gives the value of each text.
    """

    status_type: str = "score"
    status_header: str = ""
    max_header: str = ""
    max_value: float = 0
    texts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """A site's Sieve."""

    extensions: frozenset[str] = frozenset((*BY_DEFAULT, *SILENT))
    limits: Limits = DEFAULT
    vacation_min_period: int = DAY
    vacation_max_period: int = 0
    """0: none."""
    vacation_default_period: int = 7 * DAY
    vacation_use_original_recipient: bool = False
    vacation_dont_check_recipient: bool = False
    duplicate_default_period: int = 14 * DAY
    duplicate_max_period: int = 7 * DAY
    """Pigeonhole's own: the default is over it, and is used all the same."""
    spamtest: Scanner = Scanner()
    virustest: Scanner = Scanner()
    editheader_max_header_size: int = 2048
    editheader_forbid_add: frozenset[str] = frozenset()
    editheader_forbid_delete: frozenset[str] = frozenset()
    """Names in lower case; Received and Auto-Submitted always, Subject never."""
    chained: bool = False
    """Whether the script is one of several, as at Dovecot's delivery: then what it keeps is for
    the next one to decide of, and keep goes with reject."""
    postmaster: str = ""
    """The address that what the server writes comes from; "": postmaster@ its host."""
    version: str = "0.5.19"
    """Pigeonhole's, for the environment test."""
    implementation: str = "Pigeonhole Sieve 0.5.19 (4eae2f79)"
    """X-Sieve of what the server writes."""


SITE: Final = Settings()
EVERYTHING: Final = Settings(extensions=ALL)
"""All that there is, for a lab."""
