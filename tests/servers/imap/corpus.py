"""Messages to compare by: well formed, malformed, and made at random from a seed.

Deterministic: the same list each time.  Lines end in CRLF, or in a bare LF where that is the point.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tests.servers.imap.corpus_headers import DATES, HEADERS, SUBJECTS, text
from tests.servers.imap.corpus_parts import PARTS
from tests.servers.imap.corpus_random import Maker

FLAGS = (
    "",
    "\\Seen",
    "\\Answered \\Seen",
    "\\Flagged",
    "\\Deleted",
    "\\Draft",
    "$Lu",
    "Perso \\Seen",
)
RANDOM_MESSAGES = 140


@dataclass(frozen=True, slots=True)
class Case:
    """A message, and how it is appended."""

    name: str
    content: bytes
    flags: str
    received: str


def threads() -> dict[str, bytes]:
    """Messages that answer each other, some of whose parents are absent, or in a circle."""
    links = [
        ("a1", [], "Sujet A"), ("a2", ["a1"], "Re: Sujet A"), ("a3", ["a1", "a2"], "Re: Sujet A"),
        ("a4", ["a1"], "Re: Sujet A"), ("b2", ["b1"], "Re: Sujet B"), ("b3", ["b1"], "Re: Sujet B"),
        ("b4", ["b1", "b9", "b3"], "Autre B"), ("c1", ["c2"], "Cercle"), ("c2", ["c1"], "Re: Cercle"),
        ("d1", ["d1"], "Soi-même"), ("e1", [], "Même sujet"), ("e2", [], "Re: Même sujet"),
        ("e3", [], "Même sujet"), ("a1", [], "Doublon"), ("f2", ["f1"], "Seul enfant"),
        ("g3", ["g1", "g2"], "Re: G"), ("g2", [], "G"), ("h1", ["a3", "b3"], "Re: Pont"),
    ]  # fmt: skip
    made = {}
    for number, (name, parents, subject) in enumerate(links):
        lines = [f"Subject: {subject}", f"Message-ID: <{name}@fil.minfo.sn>", "From: a@b"]
        if parents:
            lines.append("References: " + "\r\n\t".join(f"<{one}@fil.minfo.sn>" for one in parents))
        lines.append(f"Date: Wed, {number % 9 + 1} Mar 2023 1{number % 7}:00:00 +0000")
        made[f"thread-{number}-{name}"] = text(*lines, "", f"fil {name}")
    made["thread-reply-to"] = text(
        "Subject: x", "In-Reply-To: <a4@fil.minfo.sn>", "Message-ID: <z1@y>", "", "x"
    )
    made["thread-no-id"] = text("Subject: y", "References: <a4@fil.minfo.sn> <z1@y>", "", "x")
    made["thread-odd-ids"] = text(
        "Subject: z", 'Message-ID: < "odd id" @ x . y >', 'References: junk <a@ <b> <"q"@c> (x) <z1@y>', "", "x",
    )  # fmt: skip
    made["thread-broken-id"] = text(
        "Subject: z", "Message-ID: sans chevrons", "In-Reply-To: z1@y", "", "x"
    )
    return made


@cache
def corpus() -> tuple[Case, ...]:
    """All cases, in their order."""
    named = {f"header-{name}": content for name, content in HEADERS.items()}
    named |= {
        f"date-{n}": text(f"Date: {date}", "From: d@e", f"Subject: date {n}", "", "x")
        for n, date in enumerate(DATES)
    }
    named |= {f"part-{name}": content for name, content in PARTS.items()}
    named |= {
        f"subject-{n}": text(f"Subject: {subject}", "From: Nom <s@b>", "", f"corps {n}")
        for n, subject in enumerate(SUBJECTS)
    }
    named |= threads()
    named |= {f"random-{n}": Maker(n).message() for n in range(RANDOM_MESSAGES)}
    return tuple(
        Case(name, content, FLAGS[n % len(FLAGS)], f"{n % 28 + 1:02}-{['Jan', 'Feb', 'Mar'][n % 3]}-2024 {n % 24:02}:{n % 60:02}:00 +0000")
        for n, (name, content) in enumerate(named.items())
    )  # fmt: skip


def with_crlf(content: bytes) -> bytes:
    """The message as a store keeps it: each line ends in CRLF."""
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
