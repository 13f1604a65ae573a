"""A beginner's mistakes: the place to mend, what was found, what was expected, in both languages."""

from __future__ import annotations

from typing import Final, NamedTuple

import pytest

from mailsim.protocol.sieve import SITE, Complaint, Refused, Settings, compile_script


class Mistake(NamedTuple):
    """A script with one mistake, and what is told of it: line, column, id and some of the words."""

    script: str
    place: tuple[int, int]
    message_id: str
    english: str
    french: str


_FILE: Final = 'require "fileinto";\n'
MISTAKES: Final = {
    "unit": Mistake(
        "if size :over 10X { discard; }\n", (1, 17), "sieve.odd-unit",
        "“X” is no unit", "« X » n’est pas une unité",
    ),
    "unit, letters": Mistake(
        "if size :over 10MB { discard; }\n", (1, 18), "sieve.odd-unit",
        "K, M or G, as in 10K", "K, M ou G, comme dans 10K",
    ),
    "unit, apart": Mistake(
        "if size :over 10 M { discard; }\n", (1, 18), "sieve.odd-unit",
        "directly behind a number", "sans espace",
    ),
    "quoted number": Mistake(
        'if size :over "10K" { keep; }\n', (1, 15), "sieve.argument-type",
        "must be a number; found: a string", "doit être : un nombre ; trouvé : une chaîne",
    ),
    "require missing": Mistake(
        'fileinto "x";\n', (1, 1), "sieve.needs-require",
        'require "fileinto"; at the top', 'en tête du script require "fileinto", puis',
    ),
    "require missing for a test": Mistake(
        'if envelope "from" "x" { discard; }\n', (1, 4), "sieve.needs-require",
        'require "envelope"; at the top', 'en tête du script require "envelope", puis',
    ),
    "require missing for a tag": Mistake(
        'keep :flags "\\\\Seen";\n', (1, 6), "sieve.needs-require",
        '“:flags” needs an extension: write require "imap4flags";', 'require "imap4flags", puis',
    ),
    "extension that the site lacks": Mistake(
        'addheader "a" "b";\n', (1, 1), "sieve.needs-extension",
        "“editheader”, which the site does not allow", "« editheader », que le site ne permet pas",
    ),
    "quote missing behind": Mistake(
        'require "fileinto;\nfileinto "x";\n', (1, 9), "sieve.quote-missing",
        "A quotation mark is missing", "Il manque un guillemet",
    ),
    "quote missing before": Mistake(
        'require fileinto";\nfileinto "x";\n', (1, 17), "sieve.quote-missing",
        "goes on over the line's end", "continue après la fin de la ligne",
    ),
    "quote missing last": Mistake(
        _FILE + 'fileinto "x;\n', (2, 10), "sieve.open-string",
        "a quotation mark closes it", "un guillemet droit",
    ),
    "semicolon missing": Mistake(
        'require "fileinto"\nfileinto "x";\n', (1, 19), "sieve.semicolon-missing",
        "a semicolon is missing; found: “fileinto”", "il manque un point-virgule ; trouvé",
    ),
    "semicolon missing before }": Mistake(
        _FILE + 'if true {\n  fileinto "x"\n}\n', (3, 15), "sieve.no-end-of-command",
        "must end, with ;", "doit finir, par ;",
    ),
    "semicolon missing at the end": Mistake(
        "keep\n", (1, 5), "sieve.no-end-of-command",
        "found: the end of the script", "trouvé : la fin du script",
    ),
    "semicolon missing before comment and end": Mistake(
        "keep # why\n\n# more\n", (1, 5), "sieve.no-end-of-command",
        "found: the end of the script", "trouvé : la fin du script",
    ),
    "block missing": Mistake(
        _FILE + 'if header :is "a" "b"\n  fileinto "x";\n', (2, 22), "sieve.block-missing",
        "the block of “if” must begin, with {", "commencer le bloc de « if », par {",
    ),
    "block missing behind tests": Mistake(
        "if anyof (true, false) discard;\n", (1, 23), "sieve.no-end-of-command",
        "a block in braces; found: the word “discard”", "trouvé : le mot « discard »",
    ),
    "block missing before ;": Mistake(
        "if not true;\n", (1, 12), "sieve.block-missing", "must begin, with {", "par {",
    ),
    "block open": Mistake(
        "if true {\n  keep;\n", (2, 8), "sieve.no-end-of-block",
        "a block must end, with }", "un bloc doit finir, par }",
    ),
    "brace too many": Mistake(
        "if true { keep; }}\n", (1, 18), "sieve.stray-brace",
        "This } closes no block", "ne ferme aucun bloc",
    ),
    "semicolon behind a block": Mistake(
        "if true { keep; }; else { discard; }\n", (1, 18), "sieve.stray-semicolon",
        "ends no command", "ne termine aucune commande",
    ),
    "elsif alone": Mistake(
        "keep;\nelsif true { keep; }\n", (2, 1), "sieve.no-if",
        "must follow the block of an if", "doit suivre le bloc d’un if",
    ),
    "else if": Mistake(
        "if true { keep; } else if false { stop; }\n", (1, 19), "sieve.write-elsif",
        "one word: elsif", "un seul mot : elsif",
    ),
    "elseif": Mistake(
        "if true { keep; } elseif false { stop; }\n", (1, 19), "sieve.nearly-name",
        "“elsif” there is", "« elsif » existe",
    ),
    "slip in a command": Mistake(
        _FILE + 'filento "x";\n', (2, 1), "sieve.nearly-name",
        "There is no “filento” in Sieve; “fileinto” there is", "« fileinto » existe",
    ),
    "unknown command": Mistake(
        'move "x";\n', (1, 1), "sieve.unknown-command",
        "no command “move” in Sieve", "pas de commande « move » dans Sieve",
    ),
    "slip in a tag": Mistake(
        'if header :contain "a" "b" { keep; }\n', (1, 11), "sieve.nearly-tag",
        "no tag :contain; it knows :contains", "pas d’étiquette :contain",
    ),
    "unknown tag": Mistake(
        'if header :foo "a" "b" { keep; }\n', (1, 11), "sieve.unknown-tag",
        "knows no tag :foo", "pas d’étiquette :foo",
    ),
    "colon missing": Mistake(
        'if header contains "a" "b" { keep; }\n', (1, 11), "sieve.colon-missing",
        "write :contains, with its colon", "écrivez :contains, avec le deux-points",
    ),
    "colon apart": Mistake(
        'if header : contains "a" "b" { keep; }\n', (1, 11), "sieve.stray-colon",
        "directly before a tag's name", "se colle au nom",
    ),
    "wrong type": Mistake(
        _FILE + "fileinto 3;\n", (2, 10), "sieve.argument-type",
        "must be a string; found: a number", "une chaîne ; trouvé : un nombre",
    ),
    "argument too many": Mistake(
        _FILE + 'fileinto "a" "b";\n', (2, 14), "sieve.argument-count",
        "wanted besides tags: 1; found: 2", "étiquettes à part : 1 ; trouvés : 2",
    ),
    "list open": Mistake(
        'require ["fileinto", "vacation";\nfileinto "x";\n', (1, 32), "sieve.no-end-of-list",
        "comes a comma or ]; found: ';'", "une virgule ou ] ; trouvé : ';'",
    ),
    "list open at the end": Mistake(
        'require ["fileinto"\n', (1, 20), "sieve.no-end-of-list", "a comma or ]", "virgule ou ]",
    ),
    "comma missing": Mistake(
        'require ["fileinto" "vacation"];\n', (1, 21), "sieve.no-end-of-list",
        "found: a string", "trouvé : une chaîne",
    ),
    "list without brackets": Mistake(
        'require "fileinto", "vacation";\n', (1, 19), "sieve.stray-comma",
        "only between strings in [ ]", "qu’entre les chaînes de [ ]",
    ),
    "list of words": Mistake(
        "require [fileinto, vacation];\n", (1, 10), "sieve.unquoted",
        "“fileinto” must stand in quotation marks", "doit être entre guillemets droits",
    ),
    "mailbox unquoted": Mistake(
        _FILE + "fileinto INBOX;\n", (2, 10), "sieve.unquoted",
        'in quotation marks: "INBOX"', 'entre guillemets droits : "INBOX"',
    ),
    "field unquoted": Mistake(
        'if header :contains subject "x" { keep; }\n', (1, 21), "sieve.unquoted",
        '"subject"', '"subject"',
    ),
    "extension unquoted": Mistake(
        "require fileinto;\n", (1, 9), "sieve.unquoted", '"fileinto"', '"fileinto"',
    ),
    "mailbox with a dot unquoted": Mistake(
        _FILE + "fileinto INBOX.Spam;\n", (2, 15), "sieve.odd-character",
        "text stands in quotation marks", "un texte se met entre guillemets",
    ),
    "single quotes": Mistake(
        "redirect 'a;\n", (1, 10), "sieve.odd-quote",
        "' is no quotation mark", "' n’est pas un guillemet",
    ),
    "garbage": Mistake(
        "@@@@\n", (1, 1), "sieve.odd-character", "'@' means nothing", "'@' n’a pas de sens",
    ),
    "accents": Mistake(
        "éé;\n", (1, 1), "sieve.odd-character", "'é' means nothing", "'é' n’a pas de sens",
    ),
    "no-break space": Mistake(
        "keep\u00a0;\n", (1, 5), "sieve.odd-character", "U+00A0 means", "U+00A0 n’a pas",
    ),
    "octets that are no text": Mistake(
        "keep\udcff;\n", (1, 5), "sieve.odd-character", "0xff means", "0xff n’a pas",
    ),
    "words joined": Mistake(
        'if header "a" "b" and header "c" "d" { keep; }\n', (1, 19), "sieve.no-operator",
        "“and” joins no tests", "« and » ne réunit pas",
    ),
    "signs joined": Mistake(
        "if true && false { keep; }\n", (1, 9), "sieve.no-operator-sign",
        "Sieve has no sign &", "Sieve n’a pas de signe &",
    ),
    "word behind a test": Mistake(
        'if header "a" "b" then { keep; }\n', (1, 19), "sieve.word-behind-test",
        "“then” does not belong behind the test “header”", "n’a pas sa place après le test",
    ),
    "comment as in C++": Mistake(
        "// why\nkeep;\n", (1, 1), "sieve.stray-slash",
        "a comment begins with #", "un commentaire commence par #",
    ),
    "comment open": Mistake(
        "keep;\n  /* why\nstop;\n", (2, 3), "sieve.open-comment", "*/ closes it", "*/ le ferme",
    ),
    "text open": Mistake(
        'require "vacation";\nvacation text:\nhello\n', (2, 10), "sieve.open-text",
        "a single dot closes it", "un seul point la ferme",
    ),
}  # fmt: skip


def told(script: str, settings: Settings = SITE) -> list[Complaint]:
    """What a person is told, the verdict left out."""
    compiled = compile_script(script.encode("utf-8", "surrogateescape"), settings=settings)
    assert isinstance(compiled, Refused)
    assert not compiled.told[-1].line
    return list(compiled.told[:-1])


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_once_where_it_is_to_be_mended(mistake: Mistake) -> None:
    (found,) = told(mistake.script)
    assert (found.place, found.message_id) == (mistake.place, mistake.message_id)
    assert mistake.english in found.worded("en")
    # The typesetter's spaces are no matter here.
    assert mistake.french in found.worded("fr").replace("\u00a0", " ")


@pytest.mark.parametrize("quotes", ["“”", "«»", "‘’", "„“", "``", "''"])
def test_quotes_of_other_kinds_are_told_one_by_one(quotes: str) -> None:
    first, last = told(f"require {quotes[0]}fileinto{quotes[1]};\n")
    assert (first.message_id, last.message_id) == ("sieve.odd-quote", "sieve.odd-quote")
    assert first.place == (1, 9)
    assert quotes[0] in first.worded("en")
    assert quotes[1] in last.worded("fr")


def test_what_two_mistakes_are_is_told_twice() -> None:
    found = told('if size :over 10X { keep; }\nkeep\nstop;\nif header :is 3 "b" { keep; }\n')
    assert [(one.line, one.message_id) for one in found] == [
        (1, "sieve.odd-unit"),
        (2, "sieve.semicolon-missing"),
        (4, "sieve.argument-type"),
    ]


def test_a_required_argument_may_be_missing_before_the_next_command() -> None:
    found = told("redirect\nkeep;\n")
    assert [one.message_id for one in found] == ["sieve.argument-count", "sieve.semicolon-missing"]


def test_json_has_the_place_to_mend_and_pigeonholes_words() -> None:
    (found,) = told("keep\n\n")
    told_to_programs = found.to_json("en")
    assert (told_to_programs["line"], told_to_programs["column"]) == (1, 5)
    assert str(told_to_programs["pigeonhole"]).startswith(
        "main script: line 3: error: expected end"
    )
