"""The tests of the base that ask nothing of the message: anyof, allof, not, true, false (RFC 5228 §5)."""

from __future__ import annotations

from typing import Final

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import MANY, Sort, Spec
from mailsim.protocol.sieve.syntax import Node


def _anyof(run: Run, call: Call) -> bool:
    # RFC 5229 §3.2 wants the tests behind a true one left alone.
    return any(run.test(test) for test in call.tests)


def _allof(run: Run, call: Call) -> bool:
    return all(run.test(test) for test in call.tests)


def _not(run: Run, call: Call) -> bool:
    return not run.test(call.tests[0])


def _true(_run: Run, _call: Call) -> bool:
    return True


def _false(_run: Run, _call: Call) -> bool:
    return False


def _known_any(_checker: Checker, _node: Node, call: Call) -> None:
    given = [test.constant for test in call.tests]
    call.constant = True if True in given else False if set(given) == {False} else None


def _known_all(_checker: Checker, _node: Node, call: Call) -> None:
    given = [test.constant for test in call.tests]
    call.constant = False if False in given else True if set(given) == {True} else None


def _known_not(_checker: Checker, _node: Node, call: Call) -> None:
    inner = call.tests[0].constant if call.tests else None
    call.constant = None if inner is None else not inner


def _known_true(_checker: Checker, _node: Node, call: Call) -> None:
    call.constant = True


def _known_false(_checker: Checker, _node: Node, call: Call) -> None:
    call.constant = False


SPECS: Final = (
    Spec("anyof", Sort.TEST, _anyof, tests=MANY, decides=True, known=_known_any),
    Spec("allof", Sort.TEST, _allof, tests=MANY, decides=False, known=_known_all),
    Spec("not", Sort.TEST, _not, tests=1, known=_known_not),
    Spec("true", Sort.TEST, _true, known=_known_true),
    Spec("false", Sort.TEST, _false, known=_known_false),
)
