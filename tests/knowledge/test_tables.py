"""The files of the tables: what every one of them holds, and French as it is typeset.

Each check takes a file's name and its document and says what is wrong.  It is tried on all
files, and on a sound document with one thing broken in it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date
from importlib.resources import files
from typing import Any

import pytest

from mailsim import knowledge

Document = dict[str, Any]
Check = Callable[[str, Document], Iterator[str]]
Breakage = Callable[[Document], object]

TEXTS = ("short", "long", "cause", "action")
KEYS = {"id", "name", *TEXTS, "refs", "example", "data"}

# The thesis is its own source, and its rows are no lines on the wire.
THESIS = re.compile(r"thesis\..*")

REGISTRIES = {
    "enhanced.class",
    "enhanced.code",
    "enhanced.subject",
    "imap.capability",
    "imap.code",
    "pop3.capability",
    "pop3.code",
    "sasl.mechanism",
}

# Words of English or of yesterday that French texts do not use: the right-hand column of the
# project's glossary.  On the wire they are words like any other: between « and », in capitals,
# and in names of files and settings they stand.
FORBIDDEN = re.compile(
    r"(?<![\w./_:-])(?:"
    r"mails?|e-?mails?|méls?|mailbox(?:es)?|entêtes?|codes? retour|queues?|déférée?s?|bounces?"
    r"|rebonds?|relai|délivrances?|blacklists?|whitelists?|listes? (?:noire|blanche)s?"
    r"|(?:en|dé)?crypt(?:er|ée?s?|age|ent)|en plein|encrypter|authentications?|challenges?"
    r"|hash|poignées? de main|stripping|hommes? du milieu|firewalls?|spams?|auto-réponses?"
    r"|flags?|taguée?s?|attachements?|webmails?|logs?|checks?|resets?|backends?|time-?outs?"
    r"|faire tourner|headers?|passwords?"
    r")(?![\w_/-]|\.\w)"
)
# Where such a word is a name: of a Sieve test or extension, a stage, a host, a folder, a database,
# a program's subcommand; and the thesis's word, said in its own rows.
NAMES = {
    "enhanced.code.X.3.5": "check",
    "port.tcp.25": "mail",
    "port.tcp.80": "mail",
    "port.tcp.110": "mail firewall",
    "port.tcp.143": "mail firewall",
    "sieve.command.address": "header",
    "sieve.extension.fileinto": "mailbox",
    "thesis.fault.F14": "logs",
    "thesis.inventory.DNS6": "mail",
    "thesis.inventory.INT2": "liste noire",
    "thesis.inventory.OS3": "mail",
    "thesis.inventory.REL1": "liste noire",
    "thesis.inventory.WEB3": "logs",
    "thesis.inventory.WEB4": "webmail",
    "thesis.inventory.WEB6": "logs",
    "wording.dovecot.sieve-compile-error": "check",
    "wording.postfix.server-configuration-error": "check",
}

# Texts that show straight quotes because they travel, or stand in a file, as they are.
STRAIGHT_QUOTES = {
    "imap.code.NONEXISTENT",
    "imap.command.LIST",
    "managesieve.code.ACTIVE",
    "managesieve.command.DELETESCRIPT",
    "managesieve.line.SASL-CHALLENGE",
    "thesis.fault.F3",
    "thesis.fault.F16",
    "wording.dovecot.mailbox-does-not-exist",
    "wording.dovecot.sieve-compile-error",
    "wording.dovecot.sieve-deactivated",
    "wording.dovecot.sieve-delete-active",
}

# What a student meets in the first labs: these wordings owe a paragraph.
IN_LABS = {
    "wording.postfix": (
        "user-unknown-local relay-denied rbl-blocked helo-non-fqdn non-fqdn-sender"
        " non-fqdn-recipient unknown-sender-domain unknown-recipient-domain helo-invalid-name"
        " helo-host-not-found helo-first must-starttls auth-encryption-required auth-failed"
        " too-many-errors bare-lf size-limit queued sender-login-mismatch need-mail need-rcpt"
        " nested-mail command-not-recognized syntax-mail bad-recipient-syntax timeout too-many-hops"
        " bounce-loops-back bounce-nxdomain end-data"
    ),
    "wording.dovecot": (
        "auth-failed plaintext-disallowed cleartext-disallowed overquota logged-in"
        " mailbox-does-not-exist pop3-locked lmtp-saved lmtp-user-unknown tag-missing"
    ),
}

STRAIGHT = re.compile(r"\w'[\w«]")
LOOSE = re.compile(r" [;!?»]| :(?![a-z])|«(?!\u00a0)|(?<!\u00a0)»")
TIGHT = re.compile(r"(?<!\u00a0)[;:!?](?=\s|$)")
# What is quoted, and names that end in a colon, keep their own spaces.
WIRE = re.compile(r"«[^»]*»|\b(?:[CS]|IPv6|To|From|Delivered-To|X(?:-\w+)+):")


def documents() -> dict[str, Document]:
    folder = files(knowledge).joinpath("data")
    return {
        table_id: json.loads(folder.joinpath(f"{table_id}.json").read_text(encoding="utf-8"))
        for table_id in knowledge.tables()
    }


DOCUMENTS = documents()


# --- Form ---------------------------------------------------------------------------------------


def check_form(table_id: str, document: Document) -> Iterator[str]:
    """The document's own members, and its entries' names."""
    if not re.fullmatch(r"[a-z0-9]+\.[a-z-]+", table_id):
        yield f"no name for a table: {table_id}"
    if not document.get("about", "").endswith("."):
        yield "about is no sentence"
    if unknown := document.keys() - {"about", "registry", "entries"}:
        yield f"unknown {sorted(unknown)}"
    names = Counter(one["name"].upper() for one in document["entries"])
    yield from (f"{name} stands {n} times" for name, n in names.items() if n > 1)


def check_ids(table_id: str, document: Document) -> Iterator[str]:
    for one in document["entries"]:
        if one["id"] != f"{table_id}.{one['name']}":
            yield f"{one['id']}: not {table_id}.{one['name']}"
        if unknown := one.keys() - KEYS:
            yield f"{one['id']}: unknown {sorted(unknown)}"


def check_texts(_table_id: str, document: Document) -> Iterator[str]:
    """A text is there in both languages; each entry has a line."""
    for one in document["entries"]:
        if "short" not in one:
            yield f"{one['id']}: no short"
        for kind, texts in texts_of(one):
            if set(texts) != {"en", "fr"} or not all(t == t.strip() != "" for t in texts.values()):
                yield f"{one['id']}: {kind} is not in both languages"
            if kind == "short" and any("\n" in text for text in texts.values()):
                yield f"{one['id']}: short is no line"


def check_answers(table_id: str, document: Document) -> Iterator[str]:
    """What brings it, what to do, and a paragraph; a rare wording does without the paragraph."""
    owed = ("cause", "action") if table_id.startswith("wording.") else TEXTS
    if not THESIS.fullmatch(table_id):
        for one in document["entries"]:
            yield from (f"{one['id']}: no {kind}" for kind in owed if kind not in one)


def check_sources(table_id: str, document: Document) -> Iterator[str]:
    """An example and a reference each; the thesis has neither."""
    for one in document["entries"]:
        if not THESIS.fullmatch(table_id):
            yield from (f"{one['id']}: no {key}" for key in ("example", "refs") if not one.get(key))
        for ref in one.get("refs", ()):
            if len(ref.get("quote", "").split()) > 12:
                yield f"{one['id']}: more than 12 words: {ref['quote']}"


def check_registry(table_id: str, document: Document) -> Iterator[str]:
    registry = document.get("registry", {})
    if bool(registry) != (table_id in REGISTRIES):
        yield "a registry, or none" if registry else "no registry"
    elif registry and not registry["name"]:
        yield "a registry without a name"
    elif registry:
        date.fromisoformat(registry["date"])


# --- Language -----------------------------------------------------------------------------------


def texts_of(one: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Everything that is written in both languages, by what it is."""
    yield from ((kind, one[kind]) for kind in TEXTS if kind in one)
    for key, value in one.get("data", {}).items():
        if isinstance(value, dict) and value.keys() & {"en", "fr"}:
            yield f"data.{key}", value


def in_language(document: Document, lang: str) -> Iterator[tuple[str, str]]:
    """Each text in `lang` with its entry's id."""
    for one in document["entries"]:
        yield from ((one["id"], texts[lang]) for _, texts in texts_of(one) if lang in texts)


def check_french_spaces(_table_id: str, document: Document) -> Iterator[str]:
    for entry_id, text in in_language(document, "fr"):
        found = LOOSE.search(text) or TIGHT.search(WIRE.sub("", text))
        if found:
            yield f"{entry_id}: {found.string[max(0, found.start() - 20) : found.end() + 10]!r}"


def check_quotation_marks(_table_id: str, document: Document) -> Iterator[str]:
    for entry_id, text in in_language(document, "fr"):
        marks = "“”‘" if entry_id in STRAIGHT_QUOTES else '“”‘"'
        if set(text) & set(marks):
            yield f"{entry_id}: a quotation without guillemets: {text}"
    for entry_id, text in in_language(document, "en"):
        if set(text) & set("«»\u00a0"):
            yield f"{entry_id}: guillemets in English: {text}"


def check_apostrophes(_table_id: str, document: Document) -> Iterator[str]:
    """’ in French, as everywhere that mailsim speaks it."""
    for entry_id, text in in_language(document, "fr"):
        if found := STRAIGHT.search(text):
            yield f"{entry_id}: {found.string[max(0, found.start() - 20) : found.end() + 10]!r}"


def check_french_words(_table_id: str, document: Document) -> Iterator[str]:
    for entry_id, text in in_language(document, "fr"):
        for found in FORBIDDEN.finditer(WIRE.sub("", text)):
            if found[0] not in NAMES.get(entry_id, ""):
                yield f"{entry_id}: {found[0]!r} in {text}"


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        check_form,
        check_ids,
        check_texts,
        check_answers,
        check_sources,
        check_registry,
        check_french_spaces,
        check_quotation_marks,
        check_apostrophes,
        check_french_words,
    )
}


@pytest.mark.parametrize("table_id", DOCUMENTS)
@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_the_files_are_sound(check: Check, table_id: str) -> None:
    assert list(check(table_id, DOCUMENTS[table_id])) == []


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("table_id", IN_LABS)
def test_what_labs_provoke_is_explained_at_length(table_id: str, lang: str) -> None:
    for name in IN_LABS[table_id].split():
        one = knowledge.entry(f"{table_id}.{name}")
        assert len(re.findall(r"[.!?”»](?:\s|$)", one.long(lang))) >= 2, one.id


def test_an_id_stands_once_in_all_files() -> None:
    ids = Counter(one["id"] for document in DOCUMENTS.values() for one in document["entries"])
    assert [entry_id for entry_id, count in ids.items() if count > 1] == []


def test_the_loader_gives_every_entry_by_its_id() -> None:
    for document in DOCUMENTS.values():
        for one in document["entries"]:
            assert knowledge.entry(one["id"]).id == one["id"]


# --- The checks themselves ----------------------------------------------------------------------

SOUND: Document = {
    "about": "One code.",
    "registry": {"name": "IMAP Response Codes", "date": "2024-11-26"},
    "entries": [
        {
            "id": "imap.code.ALERT",
            "name": "ALERT",
            "short": {"en": "Must be shown", "fr": "À afficher"},
            "long": {"en": "It cannot wait.", "fr": "Cela ne peut pas attendre."},
            "cause": {
                "en": "A “notice”.",
                "fr": "Un «\u00a0avis\u00a0»\u00a0: voyez To: et :all\u00a0; MAIL\u00a0?",
            },
            "action": {"en": "Read it.", "fr": "Lisez le courriel."},
            "refs": [{"rfc": 3501, "section": "7.1", "heading": "S", "quote": "a b c"}],
            "example": "S: * OK [ALERT] x",
            "data": {"leaks": {"en": "None.", "fr": "Aucun."}},
        }
    ],
}


def changing(path: str, value: object) -> Breakage:
    """A breakage that puts `value` at `path` ("short.fr") of the entry."""

    def breakage(document: Document) -> None:
        *way, last = path.split(".")
        target = document["entries"][0]
        for key in way:
            target = target[key]
        target[last] = value

    return breakage


def lacking(key: str) -> Breakage:
    return lambda document: document["entries"][0].pop(key)


def french(text: str) -> Breakage:
    return changing("action.fr", text)


BROKEN: list[tuple[Check, Breakage]] = [
    (check_form, lambda document: document.pop("about")),
    (check_form, lambda document: document.update(note="x")),
    (check_form, lambda document: document["entries"].append(document["entries"][0])),
    (check_ids, changing("id", "imap.code.ALARM")),
    (check_ids, changing("id", "imap.status.ALERT")),
    (check_ids, changing("name", "Alert")),
    (check_ids, changing("meaning", "x")),
    (check_texts, lacking("short")),
    (check_texts, changing("short.fr", "")),
    (check_texts, changing("short.fr", "Une ligne\net une autre")),
    (check_texts, changing("cause", {"en": "A notice."})),
    (check_texts, changing("data.leaks", {"en": "None."})),
    (check_answers, lacking("long")),
    (check_answers, lacking("cause")),
    (check_answers, lacking("action")),
    (check_sources, lacking("refs")),
    (check_sources, changing("refs", [])),
    (check_sources, changing("example", "")),
    (check_sources, changing("refs", [{"rfc": 3501, "quote": "a b c d e f g h i j k l m"}])),
    (check_registry, lambda document: document.pop("registry")),
    (check_registry, lambda document: document["registry"].update(name="")),
    (check_french_spaces, french("Lisez : le message.")),
    (check_french_spaces, french("Lisez ; agissez.")),
    (check_french_spaces, french("Lisez: le message.")),
    (check_french_spaces, french("Lisez; agissez.")),
    (check_french_spaces, french("Lisez-vous?")),
    (check_french_spaces, french("L’« avis ».")),
    (check_french_spaces, french("L’«avis».")),
    (check_french_spaces, changing("data.leaks.fr", "Lisez !")),
    (check_quotation_marks, french('Lisez "ceci".')),
    (check_quotation_marks, french("Lisez “ceci”.")),
    (check_quotation_marks, changing("action.en", "Read «\u00a0it\u00a0».")),
    (check_apostrophes, french("Lisez l'avis.")),
    (check_apostrophes, french("C’est d'«\u00a0avis\u00a0» qu’il s’agit.")),
    (check_french_words, french("Lisez le mail.")),
    (check_french_words, french("Une liste noire.")),
    (check_french_words, changing("data.leaks.fr", "Le mot de passe est crypté.")),
]


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_sound_document_has_nothing_wrong(check: Check) -> None:
    assert list(check("imap.code", SOUND)) == []


@pytest.mark.parametrize(("check", "breakage"), BROKEN)
def test_a_broken_document_is_seen(check: Check, breakage: Breakage) -> None:
    document = deepcopy(SOUND)
    breakage(document)
    assert len(list(check("imap.code", document))) == 1


def test_every_check_has_been_seen_failing() -> None:
    assert {check.__name__ for check, _ in BROKEN} == CHECKS.keys()


def test_a_registry_is_not_claimed_where_there_is_none() -> None:
    assert list(check_registry("imap.flag", SOUND)) == ["a registry, or none"]
    undated = {**SOUND, "registry": {"name": "IMAP Response Codes", "date": "November"}}
    with pytest.raises(ValueError, match="isoformat"):
        list(check_registry("imap.code", undated))


def test_the_thesis_needs_neither_example_nor_reference() -> None:
    document = deepcopy(SOUND)
    document["entries"][0].update(example="", refs=[])
    assert list(check_sources("thesis.fault", document)) == []


def test_the_exceptions_are_still_needed() -> None:
    french_of = {
        entry_id: [text for one, text in in_language(document, "fr") if one == entry_id]
        for document in DOCUMENTS.values()
        for entry_id in {one["id"] for one in document["entries"]}
    }
    for entry_id, words in NAMES.items():
        found = {match[0] for text in french_of[entry_id] for match in FORBIDDEN.finditer(text)}
        assert found >= {words} or found >= set(words.split()), entry_id
    for entry_id in STRAIGHT_QUOTES:
        assert any('"' in text for text in french_of[entry_id]), entry_id
