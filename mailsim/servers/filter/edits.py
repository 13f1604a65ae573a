"""What Amavis writes into a message's header, for whom."""

from __future__ import annotations

from mailsim.servers.config import Config
from mailsim.servers.filter import fields
from mailsim.servers.filter.case import Case
from mailsim.servers.filter.findings import Findings
from mailsim.servers.filter.judgement import Category, Edits
from mailsim.servers.filter.spam import number

_UNCHECKED_TAG = "***UNCHECKED*** "  # Amavis's $undecipherable_subject_tag
_MAX_LEVEL = 64  # stars in X-Spam-Level
_HAM = 0.1  # SpamAssassin's bayes_auto_learn_threshold_nonspam


def edit(case: Case, domain: str, date: str, *, local: bool) -> Edits:
    """In Amavis's order.  Only who is in local_domains gets X-Spam fields (fault F20)."""
    config, found = case.config, case.found
    added = fields.unstructured("X-Amavis-Hold", found.hold) if found.hold else ""
    if local and case.quarantine:
        added += f"X-Quarantine-ID: <{case.mail_id}>\r\n"
    if not config.bypass_virus_checks:
        added += f"X-Virus-Scanned: Debian amavis at {domain}\r\n"
    added += "".join(fields.unstructured("X-Amavis-Alert", one) for one in _alerts(found))
    if local and not config.bypass_spam_checks:
        added += _spam_fields(case)
    only = case.recipients[0] if len(case.recipients) == 1 else ""
    added += fields.received(config.myhostname, case.mail_id, only, date)
    tag = _subject_tag(case.category, config) if local else ""
    return Edits(added, not config.bypass_spam_checks, tag)


def _alerts(found: Findings) -> list[str]:
    said = []
    if found.viruses:
        said.append(f"INFECTED, message contains virus: {', '.join(found.viruses)}")
    if found.banned:
        said.append(f"BANNED, message contains {found.banned}")
    if found.bad_header[0]:
        said.append(f"BAD HEADER SECTION, {found.bad_header[1]}")
    return said


def _subject_tag(category: Category, config: Config) -> str:
    if category is Category.UNCHECKED:
        return _UNCHECKED_TAG
    return config.sa_spam_subject_tag if category in (Category.SPAM, Category.SPAMMY) else ""


def _spam_fields(case: Case) -> str:
    """The X-Spam fields, if the score reaches the tag level; undef lies below every score."""
    config, hits = case.config, case.hits or 0.0
    tag = config.sa_tag_level_deflt
    if tag is not None and hits < tag:
        return ""
    spammy = case.spammy
    stars = "*" * max(0, min(_MAX_LEVEL, int(hits)))
    return (
        f"X-Spam-Flag: {'YES' if spammy else 'NO'}\r\n"
        f"X-Spam-Score: {number(hits)}\r\n"
        f"X-Spam-Level: {stars}".rstrip()
        + "\r\n"
        + fields.fold("X-Spam-Status", _status(case, spammy=spammy))
    )


def _status(case: Case, *, spammy: bool) -> list[str]:
    config = case.config
    tag, tag2 = config.sa_tag_level_deflt, config.sa_tag2_level_deflt
    tests = ",\n".join(case.score.tests) if case.score else ""
    learn = "autolearn=unavailable"
    if case.score:
        ham = case.score.total < _HAM
        learn = f"autolearn={'ham' if ham else 'no'} autolearn_force=no"
    return [
        "Yes," if spammy else "No,",
        f"score={'x' if case.hits is None else number(case.hits)}",
        *([] if tag is None else [f"tagged_above={number(tag)}"]),
        *([] if tag2 is None else [f"required={number(tag2)}"]),
        *f"tests=[{tests}]".split("\n"),
        learn,
    ]
