"""Runs: bounds, errors, the keep that is never lost, the trace."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest

from mailsim.protocol.sieve import (
    EVERYTHING,
    Alone,
    Envelope,
    FileInto,
    Includes,
    Keep,
    Limits,
    Redirect,
    Reject,
    Result,
    Script,
    Settings,
    compile_script,
    run,
)
from tests.protocol.sieve.described import described

MESSAGE = b"From: a@b.c\r\nTo: d@e.f\r\nSubject: hello\r\nX-A: 1\r\nX-A: 2\r\n\r\nbody\r\n"


def compiled(
    source: str, settings: Settings = EVERYTHING, includes: Includes | None = None
) -> Script:
    script = compile_script(
        source.encode(), settings=settings, includes=includes or (lambda _name, _shared: None)
    )
    assert isinstance(script, Script), script.pigeonhole
    return script


def play(
    source: str,
    content: bytes = MESSAGE,
    *,
    settings: Settings = EVERYTHING,
    trace: bool = False,
    includes: Includes | None = None,
) -> Result:
    script = compiled(source, settings, includes)
    return run(script, content, Envelope("a@b.c", "d@e.f"), Alone(), trace=trace)


def test_an_empty_script_keeps() -> None:
    result = play("")
    assert result.actions == (Keep((), MESSAGE, implicit=True),)
    assert result.implicit_keep
    assert result.content is MESSAGE


def test_an_error_undoes_what_came_before_and_keeps_the_message() -> None:
    result = play('require ["ihave", "fileinto"]; fileinto "x"; discard; error "no";')
    assert not result.ok
    assert result.actions == (Keep((), MESSAGE, implicit=True),)
    assert [one.message_id for one in result.errors] == ["sieve.script-error"]
    assert (result.errors[0].line, result.errors[0].column) == (1, 55)


def test_an_error_keeps_the_message_as_it_came() -> None:
    result = play(
        'require ["ihave", "editheader", "imap4flags"];addheader "X" "y"; setflag "a"; error "no";'
    )
    assert result.actions == (Keep((), MESSAGE, implicit=True),)
    assert result.content is MESSAGE


@pytest.mark.parametrize(("redirects", "ok"), [(4, True), (5, False)])
def test_redirects_are_counted(redirects: int, *, ok: bool) -> None:
    result = play("".join(f'redirect "a{n}@b.c";' for n in range(redirects)))
    assert result.ok is ok
    assert (len(result.actions), result.implicit_keep) == ((4, False) if ok else (1, True))


@pytest.mark.parametrize(("actions", "ok"), [(32, True), (33, False)])
def test_actions_are_counted(actions: int, *, ok: bool) -> None:
    result = play('require "fileinto";' + "".join(f'fileinto "{n}";' for n in range(actions)))
    assert result.ok is ok
    if not ok:
        assert result.errors[0].pigeonhole == (
            "main script: line 1: error: total number of actions exceeds policy limit (33 > 32)."
        )


def test_steps_are_bounded_where_scripts_multiply() -> None:
    scripts = {str(n): 'require "include";' + f'include "{n + 1}";' * 60 for n in range(4)}
    scripts["4"] = "if true { keep; }"
    result = play(
        'require "include"; include "0";',
        includes=lambda name, _shared: scripts[name].encode(),
    )
    assert not result.ok
    assert result.errors[0].message_id == "sieve.too-much-work"
    assert result.steps == Limits().steps + 1


def test_nesting_over_scripts_is_bounded() -> None:
    blocks = 'if exists "From" {' * 20
    scripts = {
        str(n): f'require "include"; {blocks} include "{n + 1}"; {"}" * 20}' for n in range(8)
    }
    scripts["8"] = "keep;"
    result = play(
        'require "include"; include "0";', includes=lambda name, _shared: scripts[name].encode()
    )
    assert [one.message_id for one in result.errors] == ["sieve.too-deep"]


def test_work_is_bounded() -> None:
    small = replace(EVERYTHING, limits=Limits(work=10_000))
    evil = 'require ["regex", "body"]; if body :raw :regex "(x+x+)+y" { discard; }'
    content = b"A: b\r\n\r\n" + b"x" * 2000
    assert play(evil, content).ok
    assert [one.message_id for one in play(evil, content, settings=small).errors] == [
        "sieve.too-much-work"
    ]


def test_expressions_that_are_made_while_a_script_runs_are_work() -> None:
    keys = ",".join(f'"${{1}}{number}(x{{9}}){{90}}"' for number in range(1500))
    evil = (
        'require ["regex", "variables"]; if header :matches "subject" "*" {'
        f' if header :regex "subject" [{keys}] {{ discard; }} }}'
    )
    assert [one.message_id for one in play(evil).errors] == ["sieve.too-much-work"]


def test_stop_ends_a_script_within_blocks() -> None:
    assert described(play("if true { if true { stop; } discard; } discard;")) == ["implicit keep"]


def test_one_block_of_a_chain_is_done() -> None:
    script = (
        'require "fileinto"; if true { if false { } else { fileinto "1"; } } '
        'elsif true { fileinto "2"; } else { fileinto "3"; }'
    )
    assert described(play(script)) == ["fileinto 1"]


def test_a_reject_goes_with_nothing_that_delivers() -> None:
    result = play('require "reject"; keep;\nreject "no";')
    assert result.errors[0].pigeonhole == (
        "main script: line 2: error: reject/ereject action conflicts with other action: "
        "the store action (main script: line 1) tries to deliver the message."
    )
    assert described(result) == ["error", "implicit keep"]


def test_a_reject_to_nobody_has_no_report() -> None:
    script = compiled('require "reject"; reject "no";')
    result = run(script, MESSAGE, Envelope("", "d@e.f"), Alone())
    assert result.actions == (Reject("no", line=1),)


def test_the_message_of_an_action_is_the_one_of_its_time() -> None:
    result = play(
        'require ["editheader", "fileinto"]; fileinto "before"; addheader "X-New" "1";'
        'fileinto "behind"; deleteheader "X-New"; redirect "a@b.c";'
    )
    before, behind, away = result.actions
    assert isinstance(before, FileInto)
    assert isinstance(behind, FileInto)
    assert isinstance(away, Redirect)
    assert before.content is MESSAGE
    assert behind.content == b"X-New: 1\r\n" + MESSAGE
    assert away.content == MESSAGE


def test_fields_are_added_at_both_ends_and_encoded() -> None:
    result = play(
        'require "editheader"; addheader :last "X-L" "fin"; addheader "X-E" "neu été word";'
        'addheader "X-F" "' + "zwei " * 20 + '";'
    )
    header, _, body = result.content.partition(b"\r\n\r\n")
    lines = header.split(b"\r\n")
    assert lines[0].startswith(b"X-F: zwei")
    assert lines[1].startswith(b"\tzwei")
    assert lines[2] == b"X-E: neu =?utf-8?b?w6l0w6k=?= word"
    assert lines[-1] == b"X-L: fin"
    assert all(len(line) <= 80 for line in lines)
    assert body == b"body\r\n"


def test_a_message_without_an_end_of_its_header_can_be_edited() -> None:
    result = play('require "editheader"; addheader "A" "b"; deleteheader "C";', b"C: d")
    assert result.content == b"A: b\r\n\r\n"
    assert play('require "editheader"; addheader "A" "b";', b"").content == b"A: b\r\n\r\n"


def test_received_and_auto_submitted_stay() -> None:
    content = b"Received: x\r\nAuto-Submitted: no\r\n\r\n"
    script = 'require "editheader"; deleteheader "Received"; deleteheader "auto-submitted"; keep;'
    result = play(script, content)
    assert result.ok
    assert result.content == content
    assert [one.severity.value for one in result.errors] == ["warning", "warning"]


def test_the_site_may_forbid_fields() -> None:
    settings = replace(
        EVERYTHING,
        editheader_forbid_add=frozenset(("x-a", "subject")),
        editheader_forbid_delete=frozenset(("x-a", "subject")),
    )
    script = (
        'require "editheader"; addheader "X-A" "3"; deleteheader "X-A";'
        'addheader "Subject" "new"; deleteheader :index 2 "subject";'
    )
    content = play(script, settings=settings).content
    assert content == MESSAGE.replace(b"Subject: hello\r\n", b"").replace(
        b"From", b"Subject: new\r\nFrom", 1
    )


def test_variables_are_bounded() -> None:
    script = 'require ["variables", "editheader"]; set "a" "é' + "${a}x" + '";'
    script += 'set "a" "${a}${a}${a}${a}${a}${a}";' * 12 + 'set :length "n" "${a}"; '
    script += 'addheader "X-N" "${n}";'
    result = play(script)
    size = int(result.content.split(b"\r\n")[0].removeprefix(b"X-N: "))
    assert 2000 < size <= 4096


def test_match_variables_are_each_scripts_own() -> None:
    result = play(
        'require ["include", "variables", "fileinto"];'
        'if string :matches "ab" "a*" { include "x"; fileinto "out ${1}"; }',
        includes=lambda _name, _shared: (
            b'require ["variables", "fileinto"]; fileinto "in ${1}";'
            b'if string :matches "cd" "c*" { fileinto "in ${1}"; }'
        ),
    )
    assert described(result) == ["fileinto in ", "fileinto in d", "fileinto out b"]


def test_a_failed_include_at_run_time_is_an_error() -> None:
    script = compile_script(b'require "include"; include "later";', upload=True)
    assert isinstance(script, Script)
    result = run(script, MESSAGE, Envelope("a@b.c", "d@e.f"), Alone())
    assert [one.message_id for one in result.errors] == ["sieve.include-missing"]
    assert described(result) == ["error", "implicit keep"]


def test_a_script_that_includes_itself_ends_in_an_error() -> None:
    source = b'require "include"; include "a";'
    script = compile_script(
        b'require "include"; include "a";', includes=lambda _name, _shared: source, upload=True
    )
    assert isinstance(script, Script)
    result = run(script, MESSAGE, Envelope("a@b.c", "d@e.f"), Alone())
    assert [one.message_id for one in result.errors] == ["sieve.include-circular"]


def test_the_trace_tells_what_was_compared_and_which_branch_was_taken() -> None:
    result = play(
        'require "fileinto";\nif header :contains "subject" "ell" {\n  fileinto "x";\n}', trace=True
    )
    assert [(one.line, one.column, one.command, one.worded("en")) for one in result.trace] == [
        (2, 4, "header", "The field subject is there: values to compare: 1."),
        (2, 4, "header", "“hello” :contains “ell” (i;ascii-casemap) → true"),
        (2, 4, "header", "The test header → true"),
        (2, 1, "if", "Its test is true: the block of if is done."),
        (3, 3, "fileinto", "Into x, and no longer into INBOX; flags: -."),
    ]
    assert "«\u00a0hello\u00a0» :contains «\u00a0ell\u00a0»" in result.trace[1].worded("fr")
    assert result.trace[1].to_json("en")["values"] == {
        "value": "hello", "key": "ell", "match": ":contains", "comparator": "i;ascii-casemap",
    }  # fmt: skip


def test_without_a_trace_none_is_kept_and_the_rest_is_the_same() -> None:
    script = 'if header "subject" "x" { discard; } else { keep; }'
    traced, bare = play(script, trace=True), play(script)
    assert bare.trace == ()
    assert traced.trace
    assert (bare.actions, bare.steps) == (traced.actions, traced.steps)


def test_the_trace_is_bounded() -> None:
    settings = replace(EVERYTHING, limits=Limits(trace=10))
    result = play("if true { keep; }\n" * 50, settings=settings, trace=True)
    assert len(result.trace) == 10
    assert result.steps == 150


def test_a_script_runs_any_number_of_times() -> None:
    script = compiled('require ["variables", "fileinto"]; set "a" "${a}x"; fileinto "${a}";')
    for _ in range(3):
        result = run(script, MESSAGE, Envelope("a@b.c", "d@e.f"), Alone())
        assert described(result) == ["fileinto x"]


def test_a_reject_tells_the_sender_by_a_report() -> None:
    script = compiled('require "reject"; reject text:\nnon é\n.\n;')
    path = Envelope("a@b.c", "d@e.f", "alias@e.f")
    (action,) = run(script, MESSAGE, path, Alone(items={"host": "mail.minfo.sn"})).actions
    assert isinstance(action, Reject)
    report = message_from_bytes(action.report, policy=default)
    assert report["To"] == "a@b.c"
    assert report["Subject"] == "Rejected: hello"
    assert report["Auto-Submitted"] == "auto-replied (rejected)"
    text, notification, original = report.iter_parts()
    assert "non é" in text.get_content()
    told = action.report.decode()
    assert notification.get_content_type() == "message/disposition-notification"
    assert "\r\nOriginal-Recipient: rfc822; alias@e.f\r\nFinal-Recipient: rfc822; d@e.f\r\n" in told
    assert original.get_content_type() == "message/rfc822"
    assert "body" not in told


def test_what_goes_wrong_in_a_run_has_its_place_for_a_person_alone() -> None:
    error = play('require "ihave";\nerror "no";').errors[0]
    assert (error.line, error.pigeonhole) == (2, "error: no.")
