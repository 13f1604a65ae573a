"""Known wordings of Postfix and Dovecot: each pattern finds its own line and takes no other's."""

from __future__ import annotations

import re

import pytest

from mailsim.knowledge import Entry, table

TABLES = ("wording.postfix", "wording.dovecot")
VERSIONS = {
    "postfix": {"3.7", "3.8", "3.9", "3.10"},
    "dovecot": {"2.3", "2.4"},
}
STATUS = {
    "smtp": r"(?:\d{3})[ -](?:\d\.\d{1,3}\.\d{1,3} )?(?P<text>.*)",
    "lmtp": r"(?:\d{3})[ -](?:\d\.\d{1,3}\.\d{1,3} )?(?P<text>.*)",
    "bounce": r"(?:\d\.\d{1,3}\.\d{1,3} )(?P<text>.*)",
    "imap": r"\S+ (?:OK|NO|BAD|BYE|PREAUTH) (?:\[[^\]]*\] )?(?P<text>.*)",
    "pop3": r"(?:\+OK|-ERR) (?:\[[^\]]*\] )?(?P<text>.*)",
    "managesieve": r'(?:OK|NO|BYE) (?:\([^)]*\) )?"(?P<text>.*)"',
}


def text_of(one: Entry) -> str:
    """What stands after tag, status, codes and brackets in the entry's example."""
    found = re.fullmatch(STATUS[one.data["protocol"]], one.example.removeprefix("S: "))
    assert found, one.example
    return found["text"]


def every() -> list[Entry]:
    return [one for table_id in TABLES for one in table(table_id)]


@pytest.mark.parametrize("table_id", TABLES)
def test_a_line_is_explained_by_its_own_entry(table_id: str) -> None:
    taken = []
    for one in table(table_id):
        verbs = one.data.get("verbs")  # "Ok" is told apart by the command that it answers
        same = [
            e
            for e in table(table_id)
            if one.data["protocol"] in e.data["protocols"]
            and (verbs is None or e.data.get("verbs") == verbs)
        ]
        winner = next(e for e in same if re.search(e.data["pattern"], text_of(one)))
        if winner.name != one.name:
            taken.append((one.name, winner.name))
    assert taken == []


@pytest.mark.parametrize("one", every(), ids=lambda one: one.id)
def test_literal_is_part_of_each_match(one: Entry) -> None:
    literal = one.data["literal"]
    assert literal == literal.lower()
    found = re.search(one.data["pattern"], text_of(one))
    assert found
    assert literal in found[0].lower()


@pytest.mark.parametrize("one", every(), ids=lambda one: one.id)
def test_says_who_what_and_what_to_do(one: Entry) -> None:
    assert one.id == f"wording.{one.data['server']}.{one.name}"
    assert one.data["versions"]
    assert set(one.data["versions"]) <= VERSIONS[one.data["server"]]
    assert one.data["protocol"] in one.data["protocols"]
    assert one.refs
    for lang in ("en", "fr"):
        assert one.short(lang)
        assert one.cause(lang)
        assert one.action(lang)


@pytest.mark.parametrize("one", every(), ids=lambda one: one.id)
def test_code_stands_in_the_example(one: Entry) -> None:
    line = one.example.removeprefix("S: ")
    assert one.data["code"] in line
    assert one.data["enhanced"] in line
    assert one.data.get("response_code", "") in line


def test_the_thesis_journey_meets_known_words() -> None:
    said = {
        "<x@minfo.sn>: Recipient address rejected: User unknown in local recipient table": (
            "user-unknown-local"
        ),
        "<kelkun@kelkpart.com>: Relay access denied": "relay-denied",
        "Ok: queued as 8EF8730102C3": "queued",
        "Error: authentication failed: UGFzc3dvcmQ6": "auth-failed",
    }
    for text, name in said.items():
        winner = next(e for e in table("wording.postfix") if re.search(e.data["pattern"], text))
        assert winner.name == name
