"""spamtest, spamtestplus and virustest (RFC 5235), read from the scanners' fields as Pigeonhole does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.commands.matching import MATCH, check_match, matched
from mailsim.protocol.sieve.commands.tests import positional
from mailsim.protocol.sieve.complaint import Wrong, shown
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.regex import RegexError, compile_regex
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.settings import Scanner
from mailsim.protocol.sieve.spec import Option, Sort, Spec, Type
from mailsim.protocol.sieve.syntax import Node


def _percent(checker: Checker, _call: Call, tag: Any, _value: Any) -> None:
    # RFC 5235 §3.2: :percent is spamtestplus's.
    if "spamtestplus" not in checker.loaded:
        raise Wrong("sieve.percent-alone", tag.place)


def _check(checker: Checker, node: Node, call: Call) -> None:
    check_match(checker, call, positional(node, 1), (call.args[0],))


def _spamtest(run: Run, call: Call) -> bool:
    # 0 to 10, or per cent; 0 when nothing was tested (RFC 5235 §3.2.1 and §3.2.2).
    most = 100 if "percent" in call.tags else 10
    return _tested(run, call, run.settings.spamtest, 0 if "percent" in call.tags else 1, most)


def _virustest(run: Run, call: Call) -> bool:
    return _tested(run, call, run.settings.virustest, 1, 5)


def _tested(run: Run, call: Call, scanner: Scanner, least: int, most: int) -> bool:
    return matched(run, call, (call.args[0],), _values(run, call, scanner, least, most))


def _values(run: Run, call: Call, scanner: Scanner, least: int, most: int) -> Iterator[bytes]:
    ratio = _verdict(run, scanner, most)
    if ratio is None:
        run.note(call, "sieve.trace-untested", {})
        # :count tells untested from clean (RFC 5235 §3.1).
        if call.tags["match"] != "count":
            yield b"0"
        return
    value = ratio if isinstance(ratio, int) else least + int(ratio * (most - least) + 1e-6)
    run.note(call, "sieve.trace-scanned", {"value": value, "most": most})
    yield b"%d" % value


def _verdict(run: Run, scanner: Scanner, most: int) -> float | int | None:
    """The severity from 0.0 to 1.0, or a value that a text stands for; None: not tested."""
    found = _extract(run, scanner.status_header)
    if found is None:
        return None
    text = found.decode("utf-8", "replace").strip()
    if scanner.status_type == "text":
        value = scanner.texts.get(text)
        return value if most != 100 or value is None else round(value * 10)
    if scanner.status_type == "strlen":
        score = float(len(text)) if len(set(text)) <= 1 else None
    else:
        score = _number(text)
    limit = scanner.max_value or _number(
        (_extract(run, scanner.max_header) or b"").decode("latin-1")
    )
    if score is None or not limit or limit < 0:
        return None
    return max(0.0, min(1.0, score / limit))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None


def _extract(run: Run, setting: str) -> bytes | None:
    """The value that "Field: regex" finds: the expression's group, or the whole field."""
    name, colon, expression = setting.partition(":")
    if not name:
        return None
    values = run.message.texts(name.strip().lower().encode())
    if not values:
        return None
    if not colon or not expression.strip():
        return values[0]
    return _group(run, values[0], expression.strip().encode())


def _group(run: Run, value: bytes, expression: bytes) -> bytes | None:
    try:
        spans = compile_regex(expression, fold=False).search(
            value, lambda steps: run.charge(100 * steps)
        )
    except RegexError as error:
        run.complain(Wrong("sieve.bad-regex", regex=shown(expression), reason=error.reason))
        return None
    if spans is None or len(spans) < 2 or spans[1][0] < 0:
        return None
    return value[spans[1][0] : spans[1][1]]


_VALUE: Final = (("value", Type.STRING),)
SPECS: Final = (
    Spec(
        "spamtest", Sort.TEST, _spamtest, _VALUE, (*MATCH, Option("percent", check=_percent)),
        "spamtest", check=_check,
    ),
    Spec("virustest", Sort.TEST, _virustest, _VALUE, MATCH, "virustest", check=_check),
)  # fmt: skip
