"""Scripts that include scripts: RFC 6609's examples, and what is wrong in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailsim.protocol.sieve import (
    Alone,
    Complaint,
    Envelope,
    Includes,
    Refused,
    Script,
    compile_script,
    run,
)
from tests.protocol.sieve.described import described

EXAMPLES = Path(__file__).with_name("examples")


def folder(name: str) -> Includes:
    """The scripts of an example's folder."""

    def find(script: str, shared: bool) -> bytes | None:  # noqa: FBT001 - Includes' form
        file = EXAMPLES / name / ("global" if shared else "") / f"{script}.sieve"
        return file.read_bytes() if file.is_file() else None

    return find


def done(example: str, subject: str, more: str = "") -> list[str]:
    script = compile_script(
        (EXAMPLES / example / "default.sieve").read_bytes(), includes=folder(example)
    )
    assert isinstance(script, Script), script.pigeonhole
    content = f"From: a@b.c\r\n{more}Subject: {subject}\r\n\r\n".encode()
    return described(run(script, content, Envelope("a@b.c", "d@e.f"), Alone()))


@pytest.mark.parametrize(
    ("subject", "more", "actions"),
    [
        ("hello", "", ["implicit keep"]),
        ("XXXX", "", ["reject Subject XXXX is unacceptable."]),
        ("win $$", "", ["reject No thank you."]),
        ("x", "List-ID: sieve.ietf.org\r\n", ["fileinto lists.sieve"]),
        # Both scripts reject, and a message is rejected once.
        ("XXXX $$", "", ["error", "implicit keep"]),
    ],
)
def test_personal_and_global_scripts(subject: str, more: str, actions: list[str]) -> None:
    assert done("rfc6609_3_2", subject, more) == actions


@pytest.mark.parametrize(
    ("subject", "actions"),
    [
        ("hello", ["implicit keep"]),
        ("$$ for you", ["fileinto spam-$$"]),
        ("Make money fast", ["fileinto spam-Make money"]),
    ],
)
def test_global_variables_carry_results_back(subject: str, actions: list[str]) -> None:
    assert done("rfc6609_3_4_1", subject) == actions


def refused(main: str, **others: str) -> tuple[Complaint, ...]:
    compiled = compile_script(
        f'require ["include", "variables"]; {main}'.encode(),
        includes=lambda name, _shared: others[name].encode() if name in others else None,
    )
    assert isinstance(compiled, Refused)
    return compiled.complaints


def test_an_error_is_told_in_its_own_script_and_where_it_is_included() -> None:
    found = refused('\ninclude "a";', a='require "include";\n\ninclude "b";', b="keep;\n foo;")
    assert [(one.script, one.line, one.column, one.message_id) for one in found] == [
        ("b", 2, 2, "sieve.unknown-command"),
        ("a", 3, 9, "sieve.include-invalid"),
        ("main script", 2, 9, "sieve.include-not-generated"),
        ("main script", 0, 0, "sieve.generation-failed"),
    ]


def test_a_script_s_extensions_are_its_own() -> None:
    found = refused('include "a";', a='fileinto "x";')
    assert found[0].message_id == "sieve.needs-require"


def test_circles_and_depth_are_refused() -> None:
    circle = refused('include "a";', a='require "include"; include "a";')
    assert circle[0].message_id == "sieve.include-circular"
    deep = {f"a{n}": f'require "include"; include "a{n + 1}";' for n in range(11)}
    assert refused('include "a0";', **deep, a11="keep;")[0].message_id == "sieve.include-too-deep"


def test_a_script_may_be_included_from_many_places() -> None:
    scripts = {f"a{n}": 'require "include"; include "z";' for n in range(20)}
    source = 'require "include";' + "".join(f'include "a{n}";' for n in range(20))
    compiled = compile_script(
        source.encode(), includes=lambda name, _shared: scripts.get(name, "keep;").encode()
    )
    assert isinstance(compiled, Script)
    result = run(compiled, b"A: b\r\n\r\n", Envelope("a@b.c", "d@e.f"), Alone())
    assert described(result) == ["keep"]


def test_there_are_not_more_scripts_than_the_site_allows() -> None:
    source = 'require "include";' + "".join(f'include "{n}";' for n in range(300))
    compiled = compile_script(source.encode(), includes=lambda _name, _shared: b"keep;")
    assert isinstance(compiled, Refused)
    assert compiled.errors[0].pigeonhole == (
        "main script: line 1: error: failed to include script '255': "
        "no more than 255 includes allowed."
    )


@pytest.mark.parametrize("name", ["", "a/b", "..", "a\x01", "x" * 600])
def test_names_that_no_script_has(name: str) -> None:
    found = refused(f'include "{name}";')
    assert found[0].message_id in ("sieve.include-name", "sieve.include-missing")
