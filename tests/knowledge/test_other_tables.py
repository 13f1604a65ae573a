"""SASL, Sieve, ports, DNS and the thesis: complete lists, both languages, sound entries."""

from __future__ import annotations

import re
from functools import cache

import pytest

from mailsim.knowledge import Entry, table

WITH_REFS = (
    "sasl.mechanism",
    "sieve.extension",
    "sieve.command",
    "port.tcp",
    "port.udp",
    "dns.type",
    "dns.rcode",
    "dns.flag",
    "dns.section",
    "dns.class",
    "dns.dnsbl",
)
THESIS = ("thesis.inventory", "thesis.fault")

INVENTORY = {
    "INT": 3,
    "CON": 11,
    "CMP": 3,
    "OS": 5,
    "DNS": 8,
    "WEB": 10,
    "MTA": 6,
    "MDA": 2,
    "SAS": 6,
    "REL": 9,
    "TLS": 6,
    "FW": 5,
    "AMA": 3,
    "CLM": 5,
    "SPA": 10,
    "SIE": 7,
    "ANX": 3,
    "DEM": 8,
}


@cache
def entries(*table_ids: str) -> tuple[Entry, ...]:
    return tuple(one for table_id in table_ids for one in table(table_id))


@pytest.mark.parametrize("one", entries(*WITH_REFS, *THESIS), ids=lambda one: one.id)
def test_speaks_both_languages(one: Entry) -> None:
    for kind in ("short", "long", "cause", "action"):
        texts = one.texts.get(kind)
        assert texts is None or (set(texts) == {"en", "fr"} and all(texts.values())), kind
    assert one.short("en")
    assert one.short("fr")
    assert "\n" not in one.short("en") + one.short("fr")


@pytest.mark.parametrize("one", entries(*WITH_REFS), ids=lambda one: one.id)
def test_is_laid_down_somewhere_and_shown(one: Entry) -> None:
    assert one.refs
    assert one.example
    assert one.id.split(".", 2)[2] == one.name


@pytest.mark.parametrize("one", entries(*WITH_REFS, *THESIS), ids=lambda one: one.id)
def test_french_is_set_as_french(one: Entry) -> None:
    for texts in one.texts.values():
        french = texts["fr"]
        assert not re.search(r" [;!?»](?:\s|$)", french), french
        assert "« " not in french


@pytest.mark.parametrize(("prefix", "count"), INVENTORY.items())
def test_every_inventory_row_stands_here(prefix: str, count: int) -> None:
    names = [
        one.name for one in table("thesis.inventory") if one.name.rstrip("0123456789") == prefix
    ]
    assert names == [f"{prefix}{number}" for number in range(1, count + 1)]


def test_every_fault_stands_here() -> None:
    assert [one.name for one in table("thesis.fault")] == [f"F{n}" for n in range(1, 30)]


@pytest.mark.parametrize("one", entries("thesis.fault"), ids=lambda one: one.id)
def test_a_fault_says_what_is_wrong_right_and_where(one: Entry) -> None:
    for lang in ("en", "fr"):
        assert one.long(lang)
        assert one.cause(lang)
        assert one.action(lang)
    assert one.data["section"]
    assert isinstance(one.data["seen"], bool)
    assert one.data["where"]
    assert set(one.data["where"]) <= {"simulator", "real", "theory"}
    assert not {"real", "theory"} <= set(one.data["where"])


def test_faults_of_theory_are_not_switched_on_the_real_stack() -> None:
    theory = {one.name for one in table("thesis.fault") if "theory" in one.data["where"]}
    assert theory == {"F21", "F25", "F26", "F27"}


@pytest.mark.parametrize("one", entries("sasl.mechanism"), ids=lambda one: one.id)
def test_a_mechanism_says_what_it_leaks(one: Entry) -> None:
    assert re.fullmatch(r"[A-Z0-9_*-]{1,26}", one.name)
    assert one.data["usage"] in {"COMMON", "LIMITED", "OBSOLETE"}
    assert set(one.data["leaks"]) == {"en", "fr"}
    assert one.data["steps"]


def test_the_mechanisms_that_are_spoken_here_are_taught_at_length() -> None:
    spoken = (
        "PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-1-PLUS SCRAM-SHA-256 "
        "SCRAM-SHA-256-PLUS EXTERNAL XOAUTH2 OAUTHBEARER ANONYMOUS GSSAPI NTLM"
    )
    mechanisms = table("sasl.mechanism")
    for name in spoken.split():
        one = mechanisms.get(name)
        assert one
        assert one.long("en")
        assert one.long("fr")


def test_the_mechanisms_registry_is_dated() -> None:
    registry = table("sasl.mechanism").registry
    assert registry
    assert registry.date == "2024-12-06"


def test_a_sieve_command_names_an_extension_that_stands_here() -> None:
    extensions = table("sieve.extension")
    for one in table("sieve.command"):
        assert one.data["kind"] in {"control", "action", "test"}
        assert not one.data["extension"] or extensions.get(one.data["extension"])


def test_ports_and_types_keep_their_numbers() -> None:
    for table_id in ("port.tcp", "port.udp"):
        for one in table(table_id):
            assert one.data["port"] == int(one.name)
    values = [one.data["value"] for one in table("dns.type")]
    assert len(set(values)) == len(values)
    mx = table("dns.type").get("MX")
    assert mx
    assert mx.data["value"] == 15
