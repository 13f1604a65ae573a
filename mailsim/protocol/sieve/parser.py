"""The grammar of a script over its tokens (RFC 5228 §8.2), which goes on behind an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

from mailsim.protocol.sieve.complaint import Term, Wrong
from mailsim.protocol.sieve.diagnosis import unexpected
from mailsim.protocol.sieve.lexer import Kind, Lexer, token_word
from mailsim.protocol.sieve.limits import Limits
from mailsim.protocol.sieve.syntax import Argument, Node, Number, Place, Tag, Text, Texts

# What opens and closes each structure, the outermost last: a closing token of an outer one ends
# the search for the end of an inner one.
_RANK: Final = {
    Kind.LBRACKET: 0, Kind.RBRACKET: 0, Kind.LPAREN: 1, Kind.RPAREN: 1,
    Kind.SEMICOLON: 2, Kind.LBRACE: 3, Kind.RBRACE: 3,
}  # fmt: skip
_OPENS: Final = {
    Kind.RBRACKET: Kind.LBRACKET,
    Kind.RPAREN: Kind.LPAREN,
    Kind.RBRACE: Kind.LBRACE,
    Kind.SEMICOLON: None,
}


class _Lost(Exception):
    """What was being read ends nowhere; who asked for it finds the way again."""


class _Stop(_Lost):
    """A command whose tests are missing: nothing behind it is read."""


class _Full(_Stop):
    """There is more than may be: nothing at all is read any more."""


class Parser:
    """start = commands

    Every error goes to `complain`, up to `limits.errors`; what is behind one is read from the
    next place that has a meaning, found as Pigeonhole finds it.  `tokens` counts what was read,
    from `spent` on.
    """

    def __init__(
        self, source: bytes, limits: Limits, complain: Callable[[Wrong], None], *, spent: int = 0
    ) -> None:
        self.tokens = spent
        self._limits = limits
        self._report = complain
        self._errors = 0
        self._valid = True
        """Whether the grammar has held so far; what the lexer finds odd does not break it yet."""
        self._nodes = 0
        self._lexer = Lexer(source, limits, self._note)

    def parse(self) -> list[Node]:
        """The commands of the script, as far as they can be read."""
        commands: list[Node] = []
        try:
            self._commands(commands, 1)
        except _Lost:
            return commands
        if self._kind is not Kind.END and self._valid:
            self._wrong("sieve.not-the-end", found=self._found)
        return commands

    @property
    def _kind(self) -> Kind:
        return self._lexer.token.kind

    @property
    def _found(self) -> Term | str:
        return token_word(self._lexer.token)

    def _next(self) -> None:
        """Go on to the next token; raises _Full when there were too many."""
        self.tokens += 1
        if self.tokens > self._limits.tokens:
            self._full("sieve.too-many-tokens", most=self._limits.tokens)
        self._lexer.next()

    def _full(self, message_id: str, *, most: int) -> NoReturn:
        self._note(Wrong(message_id, self._lexer.token.place, most=most))
        raise _Full

    def _note(self, wrong: Wrong) -> None:
        self._errors += 1
        if self._errors <= self._limits.errors:
            self._report(wrong)

    def _wrong(self, message_id: str, place: Place | None = None, /, **params: object) -> None:
        self._valid = False
        # What the lexer has complained of is not complained of again.
        if self._kind is not Kind.ERROR:
            wrong = Wrong(message_id, place or self._lexer.token.place, **params)
            self._note(wrong if place else unexpected(wrong, self._lexer))
        else:
            self._errors += 1

    def _recover(self, end: Kind) -> None:
        """Go to the end of the structure that `end` closes; raises _Lost if it has none."""
        depth, rank, opens = 1, _RANK[end], _OPENS[end]
        while self._kind is not Kind.END and _RANK.get(self._kind, -1) <= rank:
            if self._kind is opens:
                depth += 1
            elif self._kind is end:
                depth -= 1
                if not depth:
                    return
            self._next()
        if not (end is Kind.SEMICOLON and self._kind is Kind.LBRACE):
            raise _Lost

    # --- commands

    def _commands(self, into: list[Node], depth: int) -> None:
        """commands = *command"""
        while self._kind is Kind.IDENTIFIER:
            if self._errors >= self._limits.errors:
                raise _Lost
            self._command(into, depth)

    def _command(self, into: list[Node], depth: int) -> None:
        """command = identifier arguments (";" / block)"""
        command = self._node()
        into.append(command)
        try:
            self._arguments(command, 1)
            if self._kind not in (Kind.SEMICOLON, Kind.LBRACE):
                self._wrong("sieve.no-end-of-command", found=self._found)
                raise _Lost
        except _Stop:
            raise
        except _Lost:
            self._recover(Kind.SEMICOLON)
        if self._kind is Kind.LBRACE:
            self._block(command, depth)
        else:
            self._next()

    def _node(self) -> Node:
        token = self._lexer.token
        self._nodes += 1
        if self._nodes > self._limits.nodes:
            self._full("sieve.too-complex", most=self._limits.nodes)
        self._next()
        return Node(str(token.value), token.place)

    def _block(self, command: Node, depth: int) -> None:
        """block = "{" commands "}" """
        self._next()
        if depth >= self._limits.nesting:
            self._wrong("sieve.blocks-too-deep", most=self._limits.nesting)
            self._recover(Kind.RBRACE)
            self._next()
            return
        command.block = []
        try:
            self._commands(command.block, depth + 1)
        except _Stop:
            raise
        except _Lost:
            self._recover(Kind.RBRACE)
            self._next()
            return
        if self._kind is Kind.RBRACE:
            self._next()
        else:
            self._wrong("sieve.no-end-of-block", found=self._found)
            self._recover(Kind.RBRACE)

    # --- arguments

    def _arguments(self, node: Node, depth: int) -> None:
        """arguments = *argument [ test / test-list ]"""
        while (argument := self._argument()) is not None:
            node.arguments.append(argument)
            if len(node.arguments) > self._limits.arguments:
                self._wrong("sieve.too-many-arguments", argument.place, name=node.name)
                raise _Lost
        node.end = node.close = self._lexer.behind
        if self._kind is Kind.IDENTIFIER:
            self._only_test(node, depth)
        elif self._kind is Kind.LPAREN:
            self._test_list(node, depth)
        node.close = self._lexer.behind

    def _argument(self) -> Argument | None:
        """argument = string-list / number / tag"""
        token = self._lexer.token
        argument: Argument
        if isinstance(token.value, bytes):
            argument = Text(token.value, token.place)
        elif isinstance(token.value, int):
            argument = Number(token.value, token.place)
        elif token.kind is Kind.TAG:
            argument = Tag(token.value, token.place)
        elif token.kind is Kind.LBRACKET:
            return self._strings()
        else:
            return None
        self._next()
        return argument

    def _strings(self) -> Texts:
        """string-list = "[" string *("," string) "]" """
        place = self._lexer.token.place
        items: list[Text] = []
        while True:
            self._next()
            token = self._lexer.token
            if not isinstance(token.value, bytes):
                self._no_string(first=not items)
                break
            items.append(Text(token.value, token.place))
            self._next()
            if self._kind is not Kind.COMMA:
                break
        self._close(Kind.RBRACKET, "sieve.no-end-of-list")
        return Texts(tuple(items), place)

    def _no_string(self, *, first: bool) -> None:
        message_id = "sieve.no-first-string" if first else "sieve.no-next-string"
        self._wrong(message_id, found=self._found)
        self._find(Kind.RBRACKET)

    def _find(self, end: Kind) -> bool:
        """Go to `end` if it comes before what encloses this does."""
        try:
            self._recover(end)
        except _Full:
            raise
        except _Lost:
            return False
        return True

    def _close(self, end: Kind, message_id: str) -> None:
        """The closing token comes now; if it does not, it is looked for."""
        if self._kind is not end:
            self._wrong(message_id, found=self._found)
            self._recover(end)
        self._next()

    # --- tests

    def _only_test(self, node: Node, depth: int) -> None:
        if depth >= self._limits.nesting:
            self._wrong("sieve.tests-too-deep", most=self._limits.nesting)
            raise _Lost
        try:
            self._test(node, depth)
        except _Full:
            raise
        except _Stop:
            raise _Lost from None

    def _test(self, node: Node, depth: int) -> None:
        """test = identifier arguments"""
        test = self._node()
        node.tests.append(test)
        self._arguments(test, depth + 1)

    def _test_list(self, node: Node, depth: int) -> None:
        """test-list = "(" test *("," test) ")" """
        if depth >= self._limits.nesting:
            self._next()
            self._wrong("sieve.tests-too-deep", most=self._limits.nesting)
            self._recover(Kind.RPAREN)
            self._next()
            return
        node.listed = True
        if not self._tests(node, depth):
            self._find(Kind.RPAREN)
        try:
            self._close(Kind.RPAREN, "sieve.no-end-of-tests")
        except _Full:
            raise
        except _Lost:
            if node.tests:
                raise
        if not node.tests:
            self._wrong("sieve.no-tests", name=node.name)
            raise _Stop

    def _tests(self, node: Node, depth: int) -> bool:
        """The tests between the parentheses; whether all could be read."""
        while True:
            self._next()
            if self._kind is not Kind.IDENTIFIER:
                first = not node.tests
                message_id = "sieve.no-first-test" if first else "sieve.no-next-test"
                self._wrong(message_id, found=self._found)
                return False
            try:
                self._test(node, depth)
            except _Stop:
                raise
            except _Lost:
                return False
            if self._lexer.token.kind is not Kind.COMMA:
                return True
