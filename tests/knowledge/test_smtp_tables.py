"""The tables of SMTP and of enhanced status codes: whole, specific and in both languages."""

from __future__ import annotations

import re

import pytest

from mailsim import knowledge
from mailsim.knowledge import Entry, Table

TABLE_IDS = (
    "smtp.category",
    "smtp.class",
    "smtp.command",
    "smtp.extension",
    "smtp.line",
    "smtp.parameter",
    "smtp.reply",
    "enhanced.class",
    "enhanced.code",
    "enhanced.subject",
    "message.header",
)
LANGUAGES = ("en", "fr")


def words(text: str) -> list[str]:
    return text.split()


ANNEX = words("211 214 220 221 250 251 354 421 450 451 452 500 501 502 503 504 550 551 552 553 554")

# RFC 5321 §4.2.3
RFC5321_REPLIES = {*ANNEX, "252", "455", "555"}
# RFC 1985 §5.1, RFC 2645, RFC 3207 §4, RFC 4954 §6, RFC 7504
EXTENSION_REPLIES = words("235 253 334 432 453 454 458 459 521 530 534 535 538 556")

# RFC 5321 §4.1.1, with what other RFCs and Postfix add
COMMANDS = words(
    "HELO EHLO MAIL RCPT DATA RSET VRFY EXPN HELP NOOP QUIT STARTTLS AUTH BDAT ETRN LHLO"
    " XCLIENT XFORWARD TURN SEND SOML SAML BURL ATRN"
)

EXTENSIONS = words(
    "SEND SOML SAML EXPN HELP TURN 8BITMIME SIZE CHUNKING BINARYMIME CHECKPOINT DELIVERBY"
    " PIPELINING DSN ETRN ENHANCEDSTATUSCODES STARTTLS NO-SOLICITING MTRK SUBMITTER ATRN AUTH BURL"
    " FUTURERELEASE CONPERM CONNEG SMTPUTF8 MT-PRIORITY RRVS REQUIRETLS LIMITS UTF8SMTP"
    " VRFY XCLIENT XFORWARD AUTH="
)

PARAMETERS = words(
    "SIZE BODY RET ENVID NOTIFY ORCPT SMTPUTF8 AUTH BY SOLICIT HOLDFOR HOLDUNTIL MT-PRIORITY"
    " REQUIRETLS RRVS"
)

LINES = words(
    "GREETING GREETING-HELLO HEADER-FIELD HEADER-END BODY END-OF-DATA STUFFED-DOT CHUNK"
    " SASL-CHALLENGE SASL-RESPONSE SASL-CANCEL CONTINUATION UNKNOWN-COMMAND BARE-LF"
)

# The registry's highest detail for each subject; it leaves no number out.
# X.7.29 is RFC 8617's, X.7.30 RFC 8689's; what comes before stood in the registry of 2017.
LAST_DETAIL = {0: 0, 1: 10, 2: 4, 3: 6, 4: 7, 5: 6, 6: 10, 7: 30}
ENHANCED = [f"X.{s}.{d}" for s, last in LAST_DETAIL.items() for d in range(last + 1)]

# Numbers that the registry of enhanced codes associates and that no RFC on SMTP defines.
NOT_REPLIES = {"any", "5XX", "430", "533"}


def names(table_id: str) -> list[str]:
    return [entry.name for entry in knowledge.table(table_id)]


def entries() -> list[Entry]:
    return [entry for table_id in TABLE_IDS for entry in knowledge.table(table_id)]


@pytest.fixture(params=TABLE_IDS)
def table(request: pytest.FixtureRequest) -> Table:
    return knowledge.table(request.param)


def test_ids_are_the_table_and_the_name(table: Table) -> None:
    assert [entry.id for entry in table] == [f"{table.id}.{entry.name}" for entry in table]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_entry_has_a_short_text_of_one_line(table: Table, lang: str) -> None:
    shorts = {entry.id: entry.short(lang) for entry in table}
    assert all(shorts.values()), [name for name, text in shorts.items() if not text]
    assert not [name for name, text in shorts.items() if "\n" in text]


def test_every_entry_has_references_and_an_example(table: Table) -> None:
    assert not [entry.id for entry in table if not entry.refs or not entry.example]


def test_a_text_that_is_there_is_there_in_both_languages(table: Table) -> None:
    assert not [
        (entry.id, kind)
        for entry in table
        for kind, texts in entry.texts.items()
        if set(texts) != set(LANGUAGES) or not all(texts.values())
    ]


@pytest.mark.parametrize("table_id", ["smtp.reply", "enhanced.code"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_code_says_what_causes_it_and_what_to_do(table_id: str, lang: str) -> None:
    silent = [
        entry.id
        for entry in knowledge.table(table_id)
        if not entry.cause(lang) or not entry.action(lang)
    ]
    assert silent == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("code", ANNEX)
def test_the_annex_codes_are_explained_at_length(code: str, lang: str) -> None:
    entry = knowledge.entry(f"smtp.reply.{code}")
    assert entry.data["annex"] is True
    assert len(re.findall(r"[.!?](?:\s|$)", entry.long(lang))) >= 2
    assert entry.cause(lang)
    assert entry.action(lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_annex_codes_are_explained_each_in_its_own_words(lang: str) -> None:
    annex = [knowledge.entry(f"smtp.reply.{code}") for code in ANNEX]
    assert len({entry.long(lang) for entry in annex}) == len(ANNEX)
    assert len({entry.short(lang) for entry in annex}) == len(ANNEX)


def test_only_the_annex_is_marked_as_the_annex() -> None:
    marked = [entry.name for entry in knowledge.table("smtp.reply") if entry.data["annex"]]
    assert marked == ANNEX


def test_every_reply_code_of_the_rfcs_is_there() -> None:
    assert {*RFC5321_REPLIES, *EXTENSION_REPLIES} <= set(names("smtp.reply"))


def test_a_reply_code_gives_its_first_two_digits_and_shows_itself() -> None:
    for entry in knowledge.table("smtp.reply"):
        assert [entry.data["class"], entry.data["second_digit"]] == [int(c) for c in entry.name[:2]]
        assert re.search(rf"^S: {entry.name}[ -]", entry.example, re.MULTILINE), entry.id


def test_classes_and_categories_cover_every_reply_code() -> None:
    codes = names("smtp.reply")
    assert {code[0] for code in codes} == set(names("smtp.class"))
    assert names("smtp.category") == list("012345")


@pytest.mark.parametrize(
    ("table_id", "expected"),
    [
        ("smtp.command", COMMANDS),
        ("smtp.extension", EXTENSIONS),
        ("smtp.parameter", PARAMETERS),
        ("smtp.line", LINES),
    ],
)
def test_the_expected_names_are_there(table_id: str, expected: list[str]) -> None:
    assert set(expected) - set(names(table_id)) == set()


def test_the_replies_named_by_commands_are_known_and_of_the_right_class() -> None:
    classes = {"success": "2", "intermediate": "3", "failure": "45"}
    for entry in knowledge.table("smtp.command"):
        assert set(entry.data["states"]) == set(LANGUAGES)
        for outcome, digits in classes.items():
            for code in entry.data["replies"][outcome]:
                assert code[0] in digits, (entry.id, code)
                assert knowledge.find("smtp.reply", code), (entry.id, code)


def test_parameters_name_a_known_command_and_extension() -> None:
    for entry in knowledge.table("smtp.parameter"):
        assert knowledge.find("smtp.command", entry.data["command"]), entry.id
        assert knowledge.find("smtp.extension", entry.data["extension"]), entry.id
        assert entry.example.startswith(f"C: {entry.data['command']} ")
        assert f" {entry.name}" in entry.example


def test_extensions_show_themselves_and_name_known_commands() -> None:
    for entry in knowledge.table("smtp.extension"):
        assert re.match(rf"S: 250[ -]{re.escape(entry.name)}", entry.example), entry.id
        own = [name for name in entry.data["commands"] if name not in {"VERB", "ONEX"}]
        assert not [name for name in own if not knowledge.find("smtp.command", name)]


def test_the_enhanced_codes_are_those_of_the_registry() -> None:
    assert names("enhanced.code") == ENHANCED
    registry = knowledge.table("enhanced.code").registry
    assert registry is not None
    assert registry.date == "2024-12-06"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_enhanced_code_has_its_own_texts(lang: str) -> None:
    table = list(knowledge.table("enhanced.code"))
    assert all(entry.long(lang) for entry in table)
    assert len({entry.short(lang) for entry in table}) == len(table)
    assert len({entry.long(lang) for entry in table}) == len(table)


def test_enhanced_classes_and_subjects_are_complete() -> None:
    assert names("enhanced.class") == ["2", "4", "5"]
    assert names("enhanced.subject") == list("01234567")


def test_an_enhanced_code_names_known_classes_and_replies() -> None:
    for entry in knowledge.table("enhanced.code"):
        classes, basic = entry.data["classes"], entry.data["basic"]
        assert classes == sorted(set(classes) & {2, 4, 5}), entry.id
        unknown = {code for code in basic if not knowledge.find("smtp.reply", code)}
        assert unknown <= NOT_REPLIES, entry.id


def test_an_enhanced_code_shows_itself_in_a_class_of_its_own() -> None:
    for entry in knowledge.table("enhanced.code"):
        tail = re.escape(entry.name.removeprefix("X"))
        classes = "".join(str(digit) for digit in entry.data["classes"])
        assert re.search(rf"\b[{classes}]{tail}(?!\d)", entry.example), entry.id


def test_the_first_digits_of_an_example_agree() -> None:
    # RFC 2034 §4: a 5xx reply carries a 5.x.x code
    pairs = [
        (entry.id, match[1], match[2])
        for entry in entries()
        for match in re.finditer(
            r"^S: (\d)\d\d[ -](\d)\.\d{1,3}\.\d{1,3} ", entry.example, re.MULTILINE
        )
    ]
    assert len(pairs) > len(ANNEX)
    assert not [pair for pair in pairs if pair[1] != pair[2]]


def test_quotations_are_short() -> None:
    assert not [
        (entry.id, ref.quote)
        for entry in entries()
        for ref in entry.refs
        if len(ref.quote.split()) > 12
    ]


def test_french_keeps_its_spaces_together() -> None:
    loose = re.compile(r" [;!?»]|« ")
    assert not [
        (entry.id, kind)
        for entry in entries()
        for kind, texts in entry.texts.items()
        if loose.search(texts["fr"])
    ]
