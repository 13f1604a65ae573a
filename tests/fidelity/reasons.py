"""Why a cell differs that is not mended: it still counts as different."""

from __future__ import annotations

import re
from typing import Final

from tests.fidelity.cells import Observation

# Protocol, what the command looks like, why.
_REASONS: Final = (
    ("smtp", r"XCLIENT ADDR=IPV6:", "the simulator's clients have IPv4 addresses"),
    ("smtp", r"BDAT 0 LAST", "Postfix 3.7's smtpd ends without a word; 3.10 answers"),
    ("imap", r"NOTIFY", "the simulator has no NOTIFY, and does not offer it"),
    ("imap", r"COMPRESS", "the simulator has no COMPRESS, and does not offer it"),
    ("imap", r"IDLE x", "Dovecot does not look at what stands behind IDLE"),
    ("imap", r"SEARCH (X-GUID|MIMEPART|INTHREAD)", "keys of Dovecot's own, in no RFC"),
    ("imap", r"SEARCH SINCE 32", "before 2.4 a month has as many days as two digits can say"),
    ("imap", r"FETCH 1 BODY\[0\]", "a part of that number cannot be, and Dovecot sends it empty"),
    ("imap", r"(UID )?FETCH 1, ", "Dovecot does not mind a comma at the end of a set"),
    ("imap", r"DELETE x{250}", "Dovecot fails with an internal error (SERVERBUG)"),
)


def reason(one: Observation) -> str:
    """Why it differs, "" where nobody knows."""
    for protocol, pattern, why in _REASONS:
        if one.protocol == protocol and re.match(pattern, one.command):
            return why
    return ""
