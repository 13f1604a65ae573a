"""What differs between two runs of the same dialogue and says nothing: by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

VOLATILE: Final[Mapping[str, re.Pattern[str]]] = {
    "queue-id": re.compile(r"(?<=queued as )[0-9A-Za-z]+"),
    "delivery-id": re.compile(r"[A-Za-z0-9+/]{10,}(?:[:.]\w+)?(?= Saved)"),
    "message-id": re.compile(r"(?<=Message-ID: )<[^<>\s]*>", re.IGNORECASE),
    "timestamp": re.compile(r"<[^<>@\s]*\d[^<>@\s]*\.\d[^<>@\s]*@[^<>\s]+>"),
    "date": re.compile(
        r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d{1,2}[ -](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|"
        r"Nov|Dec)[ -]\d{4} \d\d:\d\d(?::\d\d)?(?: [+-]\d{4})?(?: \([A-Z]+\))?"
        r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    ),
    "duration": re.compile(r"\(\d+\.\d+ \+ (?:\d+\.\d+ \+ )?\d+\.\d+ secs\)"),
    "pid": re.compile(r"(?<=pid[=/ ])\d+", re.IGNORECASE),
    "port": re.compile(r"(?<=[\]\w]:)\d{4,5}\b"),
    "challenge": re.compile(r"(?<=\A334 ).+|(?<=\A\+ )[A-Za-z0-9+/]{8,}=*\Z"),
    "uidvalidity": re.compile(r"(?<=UIDVALIDITY )\d+|(?<=APPENDUID )\d+|(?<=COPYUID )\d+"),
    "modseq": re.compile(r"(?<=HIGHESTMODSEQ )\d+|(?<=MODSEQ \()\d+"),
    "session": re.compile(r"(?<=session=<)[^>]+(?=>)|(?<=\[)[A-Za-z0-9+/]{16,}(?=\])"),
    "boundary": re.compile(r"(?<=boundary=)\"?[^\s\";]+\"?", re.IGNORECASE),
}
"""The named patterns; what one finds is shown as {name}."""


def normalised(text: str, volatile: Mapping[str, re.Pattern[str]] = VOLATILE) -> str:
    """`text` with each volatile part as its name in braces."""
    for name, pattern in volatile.items():
        text = pattern.sub(f"{{{name}}}", text)
    return text
