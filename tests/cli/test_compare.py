from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailsim.lab.container.engine import engine_there, is_root
from mailsim.lab.rundir import run_home

if TYPE_CHECKING:
    from tests.cli.conftest import Run
    from tests.conftest import StartUp

pytestmark = pytest.mark.usefixtures("lab_home")

SCRIPT = """\
C: EHLO poste.minfo.sn
C: MAIL FROM:<user@minfo.sn>
C: RCPT TO:<nobody@minfo.sn>
C: RCPT TO:<x@ugb.sn>
C: QUIT
"""


@pytest.fixture
def script(tmp_path: Path) -> str:
    file = tmp_path / "script.txt"
    file.write_text(SCRIPT, encoding="utf-8")
    return str(file)


def embedded(*more: str) -> tuple[str, ...]:
    return ("--backend", "embedded", "--with", "embedded", *more)


def test_two_labs_of_one_kind_say_the_same(run: Run, script: str) -> None:
    result = run("compare", script, *embedded("--stage", "relay"))
    assert result.code == 0
    assert "= C: MAIL FROM:<user@minfo.sn>\n    250 2.1.0 Ok\n" in result.out
    assert "The same: 6 steps" in result.out
    assert list(run_home().iterdir()) == []


def test_two_stages_differ_line_by_line(run: Run, script: str) -> None:
    result = run("compare", script, *embedded("--stage", "mail", "--with-stage", "relay"))
    assert result.code == 1
    rows = result.out.splitlines()
    at = rows.index("! C: RCPT TO:<x@ugb.sn>")
    assert rows[at + 1 : at + 3] == [
        "    A: 250 2.1.5 Ok",
        "    B: 554 5.7.1 <x@ugb.sn>: Relay access denied",
    ]
    assert "= C: RCPT TO:<nobody@minfo.sn>" in rows


def test_two_releases_differ_in_words_alone(run: Run, script: str) -> None:
    both = embedded("--release", "noble", "--with-release", "bookworm")
    result = run("compare", script, *both)
    assert result.code == 0
    assert "~ The greeting\n    A: 220 mail.minfo.sn ESMTP Postfix (Ubuntu)\n" in result.out
    assert run("compare", script, *both, "--strict").code == 1


def test_the_document_has_each_step_and_each_difference(run: Run, script: str) -> None:
    more = ("--stage", "mail", "--with-stage", "relay", "--json", "--as", "mx.ugb.sn")
    document = json.loads(run("compare", script, *embedded(*more)).out)
    assert document["mailsim-compare"] == 1
    assert document["names"] == ["embedded noble mail", "embedded noble relay"]
    assert (document["equal"], document["agrees"], document["broken"]) == (False, False, {})
    verdicts = {one["command"]: one["verdict"] for one in document["rows"]}
    assert verdicts["XCLIENT NAME=mx.ugb.sn ADDR=192.168.20.1"] == "equal"
    # Whoever comes from outside may relay at neither stage, and is told so otherwise.
    assert verdicts["RCPT TO:<x@ugb.sn>"] == "different"
    relayed = [one for one in document["differences"] if one["command"] == "RCPT TO:<x@ugb.sn>"]
    assert [(one["kind"], one["a"], one["b"]) for one in relayed] == [
        ("code", "454", "554"),
        ("enhanced-code", "4.7.1", "5.7.1"),
    ]


def test_another_protocol_is_read_from_the_script_or_given(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "imap.txt"
    script.write_text("C: a LOGIN user minfo\nC: b SELECT INBOX\nC: c LOGOUT\n", encoding="utf-8")
    more = ("--stage", "mail", "--protocol", "imap", "--json")
    document = json.loads(run("compare", str(script), *embedded(*more)).out)
    assert document["equal"]
    assert [one["command"] for one in document["rows"]][-1] == "LOGOUT"
    assert "minfo" not in document["rows"][1]["command"].split()


def test_the_lab_in_use_is_one_side_and_goes_on(run: Run, script: str, up: StartUp) -> None:
    up("--stage", "tls", "--release", "bookworm")
    result = run("compare", script, *embedded("--json"))
    document = json.loads(result.out)
    assert document["equal"]
    assert document["names"] == [
        "embedded bookworm tls (default)",
        next(one for one in document["names"] if "compare-" in one),
    ]
    assert json.loads(run("status", "--json").out)["stage"] == "tls"


def test_a_named_lab_and_any_other_server(
    run: Run, script: str, up: StartUp, smtp_server: str
) -> None:
    port = up("--name", "mine", "--stage", "mail").document["endpoints"]["smtp"]["port"]
    result = run("compare", script, "--backend", "mine", "--with", f"127.0.0.1:{port}")
    assert result.code == 0
    # The other server knows no user, and takes what the lab refuses.
    result = run("compare", script, "--backend", "mine", "--with", smtp_server)
    assert result.code == 1
    assert "! C: RCPT TO:<nobody@minfo.sn>" in result.out


def test_a_port_that_one_side_has_not_is_a_difference(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "sieve.txt"
    script.write_text("# protocol: managesieve\nC: CAPABILITY\n", encoding="utf-8")
    result = run("compare", str(script), *embedded("--stage", "sieve", "--with-stage", "tls"))
    assert result.code == 1
    assert "    B: (nothing)" in result.out
    assert "embedded noble tls: " in result.out


def test_it_is_told_in_french(run: Run, script: str) -> None:
    result = run("compare", script, *embedded("--lang", "fr", "--stage", "mail"))
    assert "Identiques" in result.out
    assert "= égal" in result.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--backend", "embedded", "--with", "nowhere"), 1, "nowhere"),
        (("--backend", "embedded"), 2, "--with"),
        (embedded("--protocol", "dns"), 2, "managesieve"),
        (embedded("--protocol", "imap", "--as", "mx.ugb.sn"), 2, "XCLIENT"),
        (embedded("--stage", "sea"), 2, "spamassassin"),
        (embedded("--as", "nobody.sn"), 2, "nobody.sn"),
        (embedded("--to", "imaps"), 2, "submission"),
        (("--backend", "127.0.0.1:1", "--with", "127.0.0.1:1"), 1, "closed port"),
        (("--backend", "127.0.0.1:1", "--with", "embedded", "--as", "mx.ugb.sn"), 2, "--as"),
    ],
)
def test_wrong_use_and_no_answer_are_one_line(
    run: Run, script: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    result = run("compare", script, *arguments)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("mailsim: ")
    assert result.err.count("\n") == 1
    assert said in result.err


@pytest.fixture
def container_home(lab_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that is kept where MAILSIM_TEST_HOME names one: its images are, too."""
    if engine_there() is None or not is_root():
        pytest.skip("no engine answers here, or this is not root on Linux")
    home = Path(os.environ.get("MAILSIM_TEST_HOME") or lab_home)
    monkeypatch.setenv("MAILSIM_HOME", str(home))
    return home


@pytest.mark.container
@pytest.mark.usefixtures("container_home")
def test_the_simulator_and_the_real_system(run: Run, script: str) -> None:
    release = os.environ.get("MAILSIM_TEST_RELEASE", "bookworm")
    result = run(
        *("compare", script, "--backend", "embedded", "--with", "container"),
        *("--stage", "sieve", "--release", release, "--as", "spammeur.pub.sn"),
    )
    assert result.code == 0, result.out
    assert f"B: container {release} sieve" in result.out
    assert "= C: RCPT TO:<nobody@minfo.sn>\n    554 5.7.1 Service unavailable; " in result.out
