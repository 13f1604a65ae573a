"""What a person is told where Pigeonhole's own sentence, or its line, would not help to mend it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from mailsim.protocol.sieve.complaint import Wrong
from mailsim.protocol.sieve.lexer import Kind, Lexer
from mailsim.protocol.sieve.spec import Sort
from mailsim.protocol.sieve.syntax import Number, Place

if TYPE_CHECKING:
    from mailsim.protocol.sieve.checker import Checker
    from mailsim.protocol.sieve.spec import Option, Spec
    from mailsim.protocol.sieve.syntax import Node, Tag

_OPERATORS: Final = frozenset(("and", "or", "xor", "et", "ou"))
_STRAY: Final = {
    Kind.SLASH: "sieve.stray-slash",
    Kind.COMMA: "sieve.stray-comma",
    Kind.COLON: "sieve.stray-colon",
}
_OUTSIDE: Final = {Kind.SEMICOLON: "sieve.stray-semicolon", Kind.RBRACE: "sieve.stray-brace"}
# Where a string is wanted, and where nothing but a command or the end may come.
_WANT_STRING: Final = frozenset(("sieve.no-first-string", "sieve.no-next-string"))
_WANT_END: Final = frozenset(
    ("sieve.no-end-of-command", "sieve.no-end-of-list", "sieve.no-end-of-tests")
)
_WANT_COMMAND: Final = frozenset(("sieve.not-the-end", "sieve.no-end-of-block"))


# --- tokens


def unexpected(wrong: Wrong, lexer: Lexer) -> Wrong:
    """What the parser says of the token that it has before it."""
    kind = lexer.token.kind
    if kind is Kind.GARBAGE:
        return wrong.following()
    if kind is Kind.IDENTIFIER and wrong.message_id in _WANT_STRING:
        return wrong.told("sieve.unquoted", word=lexer.token.value)
    if wrong.message_id in _WANT_COMMAND and kind in _OUTSIDE:
        return wrong.told(_OUTSIDE[kind])
    if kind in _STRAY:
        return wrong.told(_STRAY[kind])
    # What is missing before the end, a brace or a word is missing behind what was written last.
    missing = kind in (Kind.END, Kind.RBRACE)
    missing = missing or (kind is Kind.IDENTIFIER and wrong.message_id in _WANT_END)
    return wrong.told("", lexer.behind) if missing else wrong


# --- names


def unknown_name(checker: Checker, node: Node, sort: Sort) -> Wrong:
    """A command or test that is none: its extension is not required, or it is a slip."""
    unknown = "sieve.unknown-test" if sort is Sort.TEST else "sieve.unknown-command"
    wrong = Wrong(unknown, node.place, name=node.name)
    commands = checker.shared.commands
    if spec := commands.get(node.name.lower()):
        return wrong.told(
            _lacking(checker, spec.extension), name=node.name, extension=spec.extension
        )
    names = [one.name for one in commands.values() if one.sort in (sort, Sort.BOTH)]
    near = get_close_matches(node.name.lower(), names, 1, 0.75)
    return wrong.told("sieve.nearly-name", meant=near[0], **wrong.params) if near else wrong


def unknown_tag(checker: Checker, node: Node, spec: Spec, tag: Tag) -> Wrong:
    """A tag that the command does not know: its extension is not required, or it is a slip."""
    wrong = Wrong(
        "sieve.unknown-tag", tag.place, tag=tag.name, name=node.name, sort=spec.sort.value
    )
    for option in spec.options:
        if option.name == tag.name.lower():
            extension = option.extension
            return wrong.told(
                _lacking(checker, extension), name=f":{tag.name}", extension=extension
            )
    near = get_close_matches(tag.name.lower(), [one.name for one in spec.options], 1, 0.7)
    return wrong.told("sieve.nearly-tag", meant=near[0], **wrong.params) if near else wrong


def _lacking(checker: Checker, extension: str) -> str:
    allowed = extension in checker.settings.extensions
    return "sieve.needs-require" if allowed else "sieve.needs-extension"


# --- what looks like a test


def few(wrong: Wrong) -> bool:
    """Whether an argument-count complaint is of too few."""
    found, wanted = wrong.params["found"], wrong.params["wanted"]
    return isinstance(found, int) and isinstance(wanted, int) and found < wanted


def not_a_test(checker: Checker, node: Node, spec: Spec, *, lacking: bool) -> Wrong:
    """What stands behind a command that takes no test: a test, a slip, or the next command.

    `lacking`: the command has fewer arguments than it takes.
    """
    test = node.tests[0]
    given = {"name": spec.name, "sort": spec.sort.value}
    found = checker.shared.commands.get(test.name.lower())
    known = found is not None and _usable(checker, found)
    if found is not None and known and found.sort is not Sort.COMMAND:
        return Wrong("sieve.tests-not-taken", node.place, **given)
    if not known and any(
        one.name == test.name.lower() and _usable(checker, one) for one in spec.options
    ):
        wrong = Wrong("sieve.colon-missing", node.place, tag=test.name, **given)
        return wrong.told("", test.place)
    wrong = Wrong("sieve.semicolon-missing", node.place, **given)
    if lacking and not known:
        return wrong.told("sieve.unquoted", test.place, word=test.name)
    if spec.sort is Sort.COMMAND:
        return _command_behind(wrong, node, test)
    return _word_behind(checker, wrong, node, test)


def _usable(checker: Checker, one: Spec | Option) -> bool:
    return not one.extension or one.extension in checker.loaded


def _command_behind(wrong: Wrong, node: Node, test: Node) -> Wrong:
    if node.name.lower() == "else" and test.name.lower() == "if":
        return wrong.told("sieve.write-elsif")
    return wrong.told("", node.end, word=test.name)


def _word_behind(checker: Checker, wrong: Wrong, node: Node, test: Node) -> Wrong:
    """A word behind a test, which no semicolon ends."""
    word = test.name
    if node.arguments and isinstance(node.arguments[-1], Number):
        return wrong.told("sieve.odd-unit", test.place, word=word)
    if word.lower() in _OPERATORS:
        return wrong.told("sieve.no-operator", test.place, word=word)
    if checker.without_block:
        return wrong.following()
    return wrong.told("sieve.word-behind-test", test.place, name=node.name, word=word)


def header_end(checker: Checker, node: Node) -> Place:
    """Where a command's block should begin: behind its test, what is no test left out."""
    spec = checker.shared.commands.get(node.name.lower())
    if not spec or not spec.tests or not node.tests:
        return node.end
    return node.close if node.listed else header_end(checker, node.tests[0])
