from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mailsim import __version__
from mailsim.cli.main import main

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def test_help_names_every_command(run: Run) -> None:
    result = run("--help")
    assert result.code == 0
    assert all(name in result.out for name in ("trace", "explain", "auth", "init", "lab"))


def test_the_version(run: Run) -> None:
    assert run("--version").out == f"mailsim {__version__}\n"


@pytest.mark.parametrize("arguments", [("bogus",), ("--bogus",), ("trace", "gopher")])
def test_what_is_no_command_is_one_line_and_exit_2(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1


def test_the_help_speaks_french() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "mailsim", "--help"],
        env={**os.environ, "MAILSIM_LANG": "fr"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "laboratoire transparent" in " ".join(said.stdout.split())


def test_a_reader_that_leaves_is_no_error() -> None:
    command = (
        f"{sys.executable} -m mailsim explain 550 | head -n 1 >/dev/null; echo ${{PIPESTATUS[0]}}"
    )
    said = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert said.stderr == ""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp850"])
def test_any_terminal_s_encoding_is_good_enough(encoding: str) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "mailsim", "explain", "--lang", "fr", "STARTTLS"],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    assert b"STARTTLS" in said.stdout


@pytest.mark.parametrize(("target", "code"), [(">/dev/full", 1), (">&-", 0)])
def test_an_output_that_takes_nothing_is_no_traceback(target: str, code: int) -> None:
    command = f"{sys.executable} -m mailsim explain 450 {target}"
    said = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert said.returncode == code
    assert "Traceback" not in said.stderr


def test_an_empty_folder_name_is_wrong_use(run: Run) -> None:
    result = run("init", "")
    assert (result.code, result.out) == (2, "")
    assert "folder" in result.err


@pytest.mark.parametrize(
    ("typed", "completed"), [("mailsim tr", "trace"), ("mailsim trace im", "imap")]
)
def test_the_shell_completes_commands(typed: str, completed: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import sys; from mailsim.cli.main import main; sys.exit(main())"],
        env={
            **os.environ,
            "_MAILSIM_COMPLETE": "complete_bash",
            "COMP_WORDS": typed,
            "COMP_CWORD": str(typed.count(" ")),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == [completed]


def test_errors_are_told_in_the_language_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sieve", "check", "--lang", "fr", "absent.sieve"])
    assert "ne peut être lu" in capsys.readouterr().err
    assert main(["sieve", "check", "--lang=en", "absent.sieve"])
    assert "cannot be read" in capsys.readouterr().err
