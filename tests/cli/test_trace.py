from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

SESSION = "EHLO poste.minfo.sn\nMAIL FROM:<a@b.sn>\nRCPT TO:<c@d.sn>\nDATA\nSubject: x\n\nbonjour\n.\nQUIT\n"

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def test_a_pipe_is_sent_line_by_line(run: Run, smtp_server: str) -> None:
    result = run("trace", "smtp", "--to", smtp_server, stdin=SESSION)
    assert result.code == 0
    rows = result.out.splitlines()
    assert rows[0].startswith("S: 220 ")
    assert "C: MAIL FROM:<a@b.sn>" in rows
    assert "C: bonjour" in rows
    assert rows[-2:] == ["C: QUIT", "S: 221 Bye"]
    assert "#" not in result.out
    assert "\x1b" not in result.out


def test_each_line_is_explained_when_asked(run: Run, smtp_server: str) -> None:
    result = run("trace", "smtp", "--to", smtp_server, "--explain", "--lang", "fr", stdin=SESSION)
    assert "Ouvre une transaction" in result.out
    assert "[RFC 5321 §4.1.1.2]" in result.out


def test_a_script_is_replayed_and_the_dialogue_kept(
    run: Run, smtp_server: str, tmp_path: Path
) -> None:
    script, saved, again = (tmp_path / name for name in ("in.txt", "out.json", "again.txt"))
    script.write_text("S: 220 old\nC: NOOP\nS: 250 old\nC| QUIT\\r\\n\n", encoding="utf-8")
    command = ("trace", "smtp", "--to", smtp_server, "--script")
    assert run(*command, str(script), "--save", str(saved)).code == 0
    document = json.loads(saved.read_text(encoding="utf-8"))
    sent = [x["text"] for e in document["exchanges"] for x in e["lines"] if x["side"] == "C"]
    assert sent == ["NOOP\r\n", "QUIT\r\n"]
    assert run(*command, str(script), "--save", str(again)).code == 0
    assert run(*command, str(again)).code == 0
    assert run(*command, str(saved)).code == 0
    script.write_text("S: 220 only the server\n", encoding="utf-8")
    assert run(*command, str(script)).code == 2


def test_json_is_one_document(run: Run, smtp_server: str) -> None:
    result = run("trace", "smtp", "--to", smtp_server, "--json", stdin="QUIT\n")
    assert json.loads(result.out)["mailsim-dialogue"] == 1


def test_secrets_are_hidden_unless_revealed(run: Run, smtp_server: str) -> None:
    lines = "EHLO x.sn\nAUTH PLAIN AHVzZXIAaHVudGVyMg==\nQUIT\n"
    hidden = run("trace", "smtp", "--to", smtp_server, stdin=lines)
    assert "AHVzZXIA" not in hidden.out
    assert "AUTH PLAIN […]" in hidden.out
    shown = run("trace", "smtp", "--to", smtp_server, "--reveal", stdin=lines)
    assert "AHVzZXIAaHVudGVyMg==" in shown.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "127.0.0.1:0"), "1 to 65535"),
        (("--to", "a b"), "HOST:PORT"),
        (("--to", ""), "HOST:PORT"),
        (("--to", "127.0.0.1:25", "--timeout", "-1"), "seconds above 0"),
        (("--to", "127.0.0.1:25", "--timeout", "x"), "--timeout"),
        (("--to", "127.0.0.1:25", "--timeout", "nan"), "seconds above 0"),
        (("--to", "127.0.0.1:25", "--timeout", "1e300"), "a day at most"),
        (("--to", "127.0.0.1:25", "--save", "/nowhere/x"), "/nowhere/x"),
        (("--to", "127.0.0.1:25", "--lang", "de"), "en, fr"),
        (("--to", "127.0.0.1:25", "--quirk", "sloppy"), "missing-space"),
        (("--to", "127.0.0.1:25", "--script", "/nowhere/x"), "/nowhere/x"),
        (("--to", "127.0.0.1:25", "--ca", "/nowhere/x", "--tls"), "/nowhere/x"),
        ((), "--to"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(
    run: Run, smtp_server: str, arguments: tuple[str, ...], said: str
) -> None:
    live = [smtp_server if one == "127.0.0.1:25" else one for one in arguments]
    result = run("trace", "smtp", *live)
    assert result.code == 2
    assert result.err.startswith("mailsim: ")
    assert result.err.count("\n") == 1
    assert said in result.err
    assert result.out == ""


def test_a_closed_port_is_one_line_and_exit_1(run: Run) -> None:
    result = run("trace", "smtp", "--to", "127.0.0.1:1")
    assert (result.code, result.out) == (1, "")
    assert "closed port" in result.err


def test_a_lab_s_service_needs_a_lab(run: Run) -> None:
    result = run("trace", "imap", "--to", "imaps")
    assert result.code == 1
    assert "no lab is running" in result.err


if sys.platform != "win32":  # which has no pseudo-terminals

    def test_at_a_terminal_lines_are_read_completed_and_explained(smtp_server: str) -> None:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "mailsim", "trace", "smtp", "--to", smtp_server, "--lang", "en"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "dumb"},
        )
        os.close(theirs)
        os.write(ours, b"EH\t x.sn\n:bogus\nRCPT TO:<a@b.sn>\nQU\t\n")
        said = _all(ours)
        assert process.wait(timeout=30) == 0
        os.close(ours)
        assert "EHLO x.sn" in said
        assert ":listen SECONDS" in said
        assert "503" in said
        assert "221 Bye" in said
        assert "RFC 5321 §" in said

    def _all(terminal: int) -> str:
        """All that the terminal shows until the program has closed it."""
        pieces = []
        while True:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # how Linux says that the other side is closed
                break
            if not piece:
                break
            pieces.append(piece)
        return b"".join(pieces).decode()
