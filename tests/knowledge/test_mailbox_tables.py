"""The tables of POP3, IMAP and ManageSieve: whole, in both languages, and enough for Dovecot."""

from __future__ import annotations

import pytest

from mailsim import knowledge
from mailsim.knowledge import Entry, Table

TABLES = {
    "pop3": ("capability", "code", "command", "line", "status"),
    "imap": (
        "attribute",
        "capability",
        "code",
        "command",
        "figure",
        "flag",
        "item",
        "key",
        "line",
        "option",
        "response",
        "status",
    ),
    "managesieve": ("capability", "code", "command", "line", "status"),
}
TABLE_IDS = [f"{area}.{kind}" for area, kinds in TABLES.items() for kind in kinds]

# RFC 1939 §9, RFC 2449 §5, RFC 2595 §4, RFC 5034 §4, RFC 6856 §2.1 and §3.1
POP3_COMMANDS = (
    "USER PASS APOP STAT LIST RETR DELE NOOP RSET QUIT TOP UIDL CAPA STLS AUTH UTF8 LANG"
)

# RFC 3501 §6 and RFC 9051 §6
IMAP4REV1_COMMANDS = (
    "CAPABILITY NOOP LOGOUT STARTTLS AUTHENTICATE LOGIN SELECT EXAMINE CREATE DELETE RENAME"
    " SUBSCRIBE UNSUBSCRIBE LIST LSUB STATUS APPEND CHECK CLOSE EXPUNGE SEARCH FETCH STORE COPY UID"
)
IMAP4REV2_COMMANDS = (
    "CAPABILITY NOOP LOGOUT STARTTLS AUTHENTICATE LOGIN ENABLE SELECT EXAMINE CREATE DELETE RENAME"
    " SUBSCRIBE UNSUBSCRIBE LIST NAMESPACE STATUS APPEND IDLE CLOSE UNSELECT EXPUNGE SEARCH FETCH"
    " STORE COPY MOVE UID"
)
IMAP_EXTENSION_COMMANDS = (
    "ID SORT THREAD GETQUOTA GETQUOTAROOT SETQUOTA GETACL SETACL DELETEACL LISTRIGHTS MYRIGHTS"
    " GETMETADATA SETMETADATA COMPRESS NOTIFY RLIST RLSUB REPLACE UNAUTHENTICATE GENURLAUTH"
    " RESETKEY URLFETCH LANGUAGE COMPARATOR CONVERT CONVERSIONS CANCELUPDATE ESEARCH DONE"
)
UID_COMMANDS = "FETCH STORE COPY MOVE EXPUNGE SEARCH SORT THREAD"

# RFC 5804 §2
MANAGESIEVE_COMMANDS = (
    "AUTHENTICATE STARTTLS LOGOUT CAPABILITY HAVESPACE PUTSCRIPT LISTSCRIPTS SETACTIVE GETSCRIPT"
    " DELETESCRIPT RENAMESCRIPT CHECKSCRIPT NOOP UNAUTHENTICATE"
)

# RFC 5530 §3
RFC5530_CODES = (
    "UNAVAILABLE AUTHENTICATIONFAILED AUTHORIZATIONFAILED EXPIRED PRIVACYREQUIRED CONTACTADMIN"
    " NOPERM INUSE EXPUNGEISSUED CORRUPTION SERVERBUG CLIENTBUG CANNOT LIMIT OVERQUOTA"
    " ALREADYEXISTS NONEXISTENT"
)

DOVECOT_IMAP = {
    "2.3 greeting, LAN": "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN",
    "2.3 greeting, TLS required": (
        "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS LOGINDISABLED"
    ),
    "2.3 after login": (
        "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES"
        " THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN"
        " NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES"
        " WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW"
        " STATUS=SIZE SAVEDATE LITERAL+ NOTIFY SPECIAL-USE QUOTA ACL RIGHTS=texk"
        " COMPRESS=DEFLATE METADATA"
    ),
    "2.4 greeting": (
        "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS AUTH=PLAIN"
        " AUTH=SCRAM-SHA-256"
    ),
    "2.4 after login": (
        "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES"
        " THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN"
        " NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES"
        " WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE REPLACE SNIPPET=FUZZY PREVIEW=FUZZY"
        " PREVIEW SPECIAL-USE STATUS=SIZE SAVEDATE COMPRESS=DEFLATE INPROGRESS NOTIFY LITERAL+"
    ),
}
DOVECOT_POP3 = {
    "2.3, TLS required": "CAPA TOP UIDL RESP-CODES PIPELINING AUTH-RESP-CODE STLS SASL",
    "2.4, inside TLS": "CAPA TOP UIDL RESP-CODES PIPELINING AUTH-RESP-CODE USER SASL",
}
DOVECOT_MANAGESIEVE = {
    "2.3 greeting": "IMPLEMENTATION SIEVE NOTIFY SASL STARTTLS VERSION",
    "2.4 after login": "IMPLEMENTATION SIEVE NOTIFY SASL MAXREDIRECTS OWNER VERSION",
}


def _entries() -> list[Entry]:
    return [one for table_id in TABLE_IDS for one in knowledge.table(table_id)]


def _has(table: Table, word: str) -> bool:
    """Whether `word` is an entry, by itself or by a prefix that ends in "=" ("AUTH=PLAIN")."""
    if table.get(word) is not None:
        return True
    prefix = table.get(f"{word.partition('=')[0]}=")
    return "=" in word and prefix is not None and prefix.data.get("prefix") is True


def _missing(table_id: str, words: list[str]) -> list[str]:
    table = knowledge.table(table_id)
    return [word for word in words if not _has(table, word)]


@pytest.mark.parametrize(
    ("table_id", "names"),
    [
        ("pop3.command", POP3_COMMANDS),
        ("imap.command", IMAP4REV1_COMMANDS),
        ("imap.command", IMAP4REV2_COMMANDS),
        ("imap.command", IMAP_EXTENSION_COMMANDS),
        ("imap.code", RFC5530_CODES),
        ("managesieve.command", MANAGESIEVE_COMMANDS),
    ],
)
def test_every_name_of_the_rfcs_has_an_entry(table_id: str, names: str) -> None:
    assert _missing(table_id, names.split()) == []


def test_every_command_that_takes_uids_has_an_entry() -> None:
    assert _missing("imap.command", [f"UID {name}" for name in UID_COMMANDS.split()]) == []


@pytest.mark.parametrize(
    ("version", "names"),
    [("IMAP4rev1", IMAP4REV1_COMMANDS), ("IMAP4rev2", IMAP4REV2_COMMANDS)],
)
def test_rev_names_the_base_protocols_that_hold_a_command(version: str, names: str) -> None:
    marked = {e.name for e in knowledge.table("imap.command") if version in e.data["rev"]}
    defined = set(names.split())
    beyond = {name for name in marked - defined if not name.startswith("UID ")}
    assert defined <= marked
    assert beyond <= {"DONE", "X"}  # IDLE's continuation, and RFC 3501's name for any experiment


@pytest.mark.parametrize("words", DOVECOT_IMAP.values(), ids=list(DOVECOT_IMAP))
def test_dovecot_imap_capabilities_are_known(words: str) -> None:
    assert _missing("imap.capability", words.split()) == []


@pytest.mark.parametrize("words", DOVECOT_POP3.values(), ids=list(DOVECOT_POP3))
def test_dovecot_pop3_capabilities_are_known(words: str) -> None:
    assert _missing("pop3.capability", words.split()) == []


@pytest.mark.parametrize("words", DOVECOT_MANAGESIEVE.values(), ids=list(DOVECOT_MANAGESIEVE))
def test_dovecot_managesieve_capabilities_are_known(words: str) -> None:
    assert _missing("managesieve.capability", words.split()) == []


def test_ids_are_the_tables_and_the_names_and_stand_once() -> None:
    ids = [one.id for one in _entries()]
    assert len(ids) == len(set(ids))
    for table_id in TABLE_IDS:
        for one in knowledge.table(table_id):
            assert one.id == f"{table_id}.{one.name}"
            assert knowledge.entry(one.id) is one


def test_every_entry_has_short_text_refs_and_an_example_of_the_dialogue() -> None:
    for one in _entries():
        assert one.short("en"), one.id
        assert one.short("fr"), one.id
        assert one.refs, one.id
        lines = one.example.split("\n")
        assert all(line.startswith(("C: ", "S: ")) for line in lines), one.id


def test_a_text_in_one_language_is_there_in_the_other() -> None:
    for one in _entries():
        for kind, texts in one.texts.items():
            assert set(texts) == {"en", "fr"}, (one.id, kind)
            assert all(text.strip() == text != "" for text in texts.values()), (one.id, kind)


def test_codes_and_statuses_say_their_cause_and_what_to_do() -> None:
    for one in _entries():
        if one.id.split(".")[1] in {"code", "status"}:
            assert one.cause("en"), one.id
            assert one.action("en"), one.id


def test_commands_tell_their_syntax_and_states() -> None:
    states = {
        "pop3": {"AUTHORIZATION", "TRANSACTION"},
        "imap": {"NOT AUTHENTICATED", "AUTHENTICATED", "SELECTED"},
        "managesieve": {"NON-AUTHENTICATED", "AUTHENTICATED"},
    }
    for area, allowed in states.items():
        for one in knowledge.table(f"{area}.command"):
            assert one.data["syntax"], one.id
            assert set(one.data["states"]) <= allowed, one.id
            assert one.data["states"], one.id


def test_french_puts_no_break_spaces_before_double_punctuation_and_inside_quotes() -> None:
    for one in _entries():
        for texts in one.texts.values():
            for ordinary in (" ;", " :", " !", " ?", " »", "« "):
                assert ordinary not in texts["fr"], (one.id, ordinary)


def test_quotations_are_short() -> None:
    long = [(e.id, r.quote) for e in _entries() for r in e.refs if len(r.quote.split()) > 12]
    assert long == []


@pytest.mark.parametrize(
    ("table_id", "date"),
    [
        ("pop3.capability", "2013-03-13"),
        ("pop3.code", "2013-03-13"),
        ("imap.code", "2024-11-26"),
        ("imap.capability", "2026-08-04"),
    ],
)
def test_tables_of_a_registry_carry_its_date(table_id: str, date: str) -> None:
    registry = knowledge.table(table_id).registry
    assert registry is not None
    assert registry.date == date
