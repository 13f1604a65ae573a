"""The tree of errors: what the module's docstring draws, and one sentence for a notebook."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from mailsim import errors
from mailsim.errors import MailsimError
from mailsim.language import LANGUAGES

TREE = [
    one
    for _, one in inspect.getmembers(errors, inspect.isclass)
    if issubclass(one, MailsimError) and one.__module__ == "mailsim.errors"
]


def test_the_docstring_draws_every_error_below_its_parent() -> None:
    drawn: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for row in (errors.__doc__ or "").splitlines():
        found = re.match(r"( {4}[ │├└─]*)((?:[A-Z]\w+(?:, )?)+)", row)
        if found is None:
            continue
        depth, names = len(found[1]), found[2].split(", ")
        above = [one for one in above if one[0] < depth]
        drawn |= dict.fromkeys(names, above[-1][1] if above else "")
        above.append((depth, names[0]))
    assert drawn == {
        one.__name__: "" if one is MailsimError else one.__bases__[0].__name__ for one in TREE
    }


@pytest.mark.parametrize("kind", TREE)
def test_each_error_says_what_it_is(kind: type[MailsimError]) -> None:
    assert kind.__doc__
    assert kind.__doc__ != kind.__bases__[0].__doc__


@pytest.mark.parametrize("kind", TREE)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_notebook_shows_one_line_in_the_reader_s_language(
    kind: type[MailsimError], lang: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILSIM_LANG", lang)
    error = kind("net.closed", server="mail.minfo.sn:25")
    (shown,) = error._render_traceback_()
    assert shown == f"{kind.__name__}: {error.worded(lang)}"
    assert "\n" not in shown
    assert "mail.minfo.sn:25" in shown


def test_a_notebook_cell_that_fails_shows_that_line_and_no_traceback() -> None:
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell.instance()
    shown: list[object] = []
    shell._showtraceback = lambda _kind, _value, lines: shown.extend(lines)
    shell.run_cell("from mailsim.errors import UsageError\nraise UsageError('dns.no-server')")
    assert len(shown) == 1
    assert str(shown[0]).startswith("UsageError: ")


def test_what_came_from_elsewhere_can_neither_break_the_line_nor_command_the_terminal() -> None:
    error = errors.NetworkError("net.closed", server="a\r\nb\x1b[2J\x9b\u2028é")
    assert "a\\r\\nb\\x1b[2J\\x9b\\u2028é" in str(error)


def test_an_error_survives_pickling() -> None:
    error = errors.RemoteProtocolError("net.closed", server="x")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(again), again.message_id, again.params) == (
        type(error),
        error.message_id,
        error.params,
    )
