"""Rules: where they match, when they act, and what they refuse to be."""

from __future__ import annotations

from typing import Any

import pytest

from mailsim.errors import UsageError
from mailsim.servers.disturbance import (
    Answer,
    Delay,
    Disturbances,
    Drop,
    Rule,
    Truncate,
    delay,
    drop,
    reply,
    rule_of,
    truncate,
)
from mailsim.servers.ids import Ids

LATER = "451 4.3.0 Try again later"


def some(*rules: Rule, seed: str = "s") -> Disturbances:
    found = Disturbances(Ids(seed))
    for rule in rules:
        found.add(rule)
    return found


def acted(rules: Disturbances, times: int = 8) -> list[bool]:
    return [rules.at("smtp", "RCPT") is not None for _ in range(times)]


def test_no_rule_disturbs_nothing() -> None:
    assert some().at("smtp", "RCPT") is None


def test_fail_twice_then_succeed() -> None:
    rules = some(reply("r", LATER, protocol="smtp", command="RCPT", address="*@ugb.sn", nth="1-2"))

    def at(address: str, command: str = "rcpt") -> Any:
        return rules.at("smtp", command, address=address)

    assert at("user@minfo.sn") is None
    assert at("secretaire@UGB.sn") == Answer(LATER)
    assert at("secretaire@ugb.sn", "MAIL") is None
    assert at("secretaire@ugb.sn") == Answer(LATER)
    assert at("secretaire@ugb.sn") is None


@pytest.mark.parametrize(
    ("nth", "times"),
    [
        ("always", "11111111"),
        ("3", "00100000"),
        ("2-3", "01100000"),
        ("7-", "00000011"),
        ("every 3", "00100100"),
    ],
)
def test_the_times_of_a_rule(nth: str, times: str) -> None:
    assert acted(some(drop("r", nth=nth))) == [one == "1" for one in times]


@pytest.mark.parametrize(
    "where",
    [
        {"protocol": "imap"},
        {"command": "MAIL"},
        {"service": "submission"},
        {"client": "192.168.66.66"},
        {"address": "a@b"},
    ],
)
def test_each_condition_must_hold(where: dict[str, str]) -> None:
    rules = some(drop("r", **where))
    here = {"service": "smtp", "client": "192.168.10.50", "address": "x@y"}
    assert rules.at("smtp", "RCPT", **here) is None
    there = {"protocol": "smtp", "command": "RCPT", **here, **where}
    assert rules.at(there.pop("protocol"), there.pop("command"), **there) == Drop()


def test_the_first_rule_that_acts_wins_and_all_that_match_count() -> None:
    rules = some(delay("first", 1, nth="1"), truncate("second", 5, nth="2-3"))
    assert [rules.at("pop3", "RETR") for _ in range(3)] == [Delay(1), Truncate(5), Truncate(5)]


def test_chance_comes_from_the_seed() -> None:
    def run(seed: str) -> list[bool]:
        return acted(some(drop("r", chance=0.5), seed=seed), 64)

    assert run("a") == run("a")
    assert run("a") != run("b")
    assert 8 < sum(run("a")) < 56


def test_a_rule_of_the_same_name_counts_anew() -> None:
    rules = some(drop("r", nth="1"))
    assert acted(rules, 2) == [True, False]
    rules.add(drop("r", nth="1"))
    assert acted(rules, 2) == [True, False]


def test_the_state_tells_rules_and_counts() -> None:
    rules = some(drop("r"))
    before = rules.state()
    rules.at("smtp", "RCPT")
    assert rules.state() != before
    rules.remove("r")
    assert rules.state() == []


def test_a_data_file_is_taken_whole_or_not_at_all() -> None:
    rules = some()
    good = {"name": "a", "protocol": "smtp", "command": "RCPT", "action": "answer", "text": LATER}
    bad = {"name": "b", "action": "delay", "seconds": -1}
    with pytest.raises(UsageError):
        rules.load({"version": 1, "rules": [good, bad]})
    assert not rules.rules
    rules.load({"version": 1, "rules": [good, {"name": "c", "action": "truncate", "octets": 3}]})
    rules.load({"name": "d", "action": "drop"})
    assert [rule.name for rule in rules.rules] == ["a", "c", "d"]
    assert rules.rules[0] == reply("a", LATER, protocol="smtp", command="RCPT")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"name": "r", "action": "explode"}, "answer, delay, drop, truncate"),
        ({"name": "r"}, "“r” has no “action”; accepted: answer, delay, drop, truncate"),
        (
            {"name": "r", "acton": "drop"},
            "“acton”.*: name, action, text, seconds, octets, protocol",
        ),
        ({"name": "r", "action": "explode", "comand": "RCPT"}, "“comand”"),
        ({"name": "r", "action": ["drop"]}, "answer, delay, drop, truncate"),
        ({"name": "r", "action": "drop", "protocol": "http"}, "smtp, pop3"),
        ({"name": "r", "action": "drop", "nth": "0"}, "every 3"),
        ({"name": "r", "action": "drop", "nth": "3-1"}, "every 3"),
        ({"name": "r", "action": "drop", "chance": 2}, "0 … 1"),
        (
            {"name": "r", "action": "drop", "where": "x"},
            "“where”.*: name, action, protocol, command",
        ),
        ({"name": "r", "action": "drop", "text": LATER}, "“text”"),
        ({"name": "r", "action": "delay", "second": 1}, "action, seconds, protocol"),
        ({"name": "r", "action": "drop", "protocol": "smtp", "command": "RCTP"}, "“RCTP”.*RCPT,"),
        (
            {"name": "r", "action": "drop", "protocol": "smtp", "command": "RETR"},
            r"GREETING, \., RES",
        ),
        (
            {"name": "r", "action": "drop", "protocol": "pop3", "command": "RCPT"},
            "RETR, .*GREETING",
        ),
        ({"name": "r", "action": "drop", "protocol": "imap", "command": "FTECH"}, "UID FETCH"),
        (
            {"name": "r", "action": "drop", "protocol": "managesieve", "command": "RCPT"},
            "PUTSCRIPT",
        ),
        ({"name": "r", "action": "drop", "protocol": "dns", "command": "AAA"}, "AAAA"),
        ({"name": "r", "action": "drop", "protocol": "dns", "command": "GREETING"}, "AAAA"),
        ({"name": "r", "action": "drop", "command": "RCTP"}, "RCPT.*RETR.*FETCH.*AAAA"),
        ({"name": "r", "action": "drop", "service": "pers"}, r"\*, smtp, .*peer"),
        ({"name": "r", "action": "answer"}, "for example 451 4.3.0 Try again later"),
        ({"name": "r", "action": "delay", "seconds": "soon"}, "3600"),
        ({"name": "r", "action": "truncate", "octets": True}, "0, 1, 2"),
        ({"name": "r", "action": "answer", "protocol": "smtp", "text": "no"}, "451"),
        ({"name": "r", "action": "answer", "text": "a\r\nb"}, "451"),
        ({"name": "r", "action": "answer", "protocol": "smtp", "text": "451 caf\u00e9"}, "451"),
        ({"name": "r", "action": "answer", "protocol": "smtp", "text": "451 " + 507 * "x"}, "451"),
        ({"name": "r", "action": "answer", "protocol": "dns", "text": "451 no"}, "SERVFAIL"),
        ({"name": "r", "action": "answer", "protocol": "pop3", "text": "-ERR \0"}, "SYS/TEMP"),
        ({"name": "r", "action": "answer", "protocol": "imap", "text": ""}, "UNAVAILABLE"),
        ({"name": "r", "action": "answer", "text": 451}, "451"),
        ({"name": "", "action": "drop"}, "name"),
        ({"name": "r", "action": "drop", "command": 5}, "command"),
        ("r", "JSON object"),
    ],
)
def test_what_a_rule_cannot_be_is_said(document: object, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        rule_of(document)


@pytest.mark.parametrize(
    ("protocol", "command"),
    [
        ("smtp", "rcpt"),
        ("smtp", "."),
        ("smtp", "GREETING"),
        ("smtp", "RESPONSE"),
        ("pop3", "Greeting"),
        ("imap", "uid fetch"),
        ("managesieve", "HAVESPACE"),
        ("dns", "MX"),
        ("*", "RETR"),
        ("*", "."),
    ],
)
def test_a_command_of_the_protocol_is_taken_in_any_case_of_letters(
    protocol: str, command: str
) -> None:
    rules = some(drop("r", protocol=protocol, command=command))
    asked = "smtp" if protocol == "*" else protocol
    assert rules.at(asked, command.upper()) == Drop()


@pytest.mark.parametrize("service", ["*", "peer", "Submission*", "dns"])
def test_a_service_is_one_of_the_lab_s(service: str) -> None:
    assert drop("r", service=service).service == service


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        ("smtp", "451 " + 506 * "x"),
        ("*", LATER),
        ("dns", "SERVFAIL"),
        ("pop3", "-ERR [IN-USE] Locked"),
        ("imap", "NO [UNAVAILABLE] Gone"),
        ("managesieve", 'NO "Gone"'),
    ],
)
def test_what_can_be_said_in_each_protocol(protocol: str, text: str) -> None:
    assert reply("r", text, protocol=protocol).action == Answer(text)


@pytest.mark.parametrize(
    ("pattern", "address", "matches"),
    [
        ("*", "", True),
        ("*@ugb.sn", "a@ugb.sn", True),
        ("*@ugb.sn", "a@mx.ugb.sn", False),
        ("a*a", "a", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("*.sn", "b@x.fr", False),
        ("user@*", "x@minfo.sn", False),
        # No other letter is special: an address literal is one (RFC 5321 §4.1.3).
        ("u@[192.168.10.1]", "u@[192.168.10.1]", True),
        ("u@[192.168.10.1]", "u@1", False),
        ("us?r@minfo.sn", "user@minfo.sn", False),
    ],
)
def test_only_the_star_is_special_in_an_address(
    pattern: str,
    address: str,
    matches: bool,  # noqa: FBT001
) -> None:
    found = some(drop("r", address=pattern)).at("smtp", "RCPT", address=address)
    assert (found == Drop()) is matches


def test_the_state_tells_how_far_chance_has_gone() -> None:
    rules = some(drop("r", chance=0.5))
    rules.at("smtp", "RCPT")
    rules.clear()
    assert rules.state() != some().state()  # the next rule "r" will not act as the first did


def test_a_file_that_names_two_rules_alike() -> None:
    rules = some()
    one = {"name": "same", "action": "drop"}
    with pytest.raises(UsageError, match="same"):
        rules.load({"version": 1, "rules": [one, one]})
    assert not rules.rules


def test_a_file_of_another_kind_or_version() -> None:
    documents: list[object] = [[], {"version": 1}, {"version": 2, "rules": []}]
    for document in documents:
        with pytest.raises(UsageError):
            some().load(document)
    with pytest.raises(UsageError, match="there are: r"):
        some(drop("r")).remove("x")
