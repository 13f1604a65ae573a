"""A student's slips, in a real kernel: a sentence that says what happened and what to do."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.labs.running import code_cells, has_error, run, shown

OPEN = "from mailsim import Exercises, Lab\nlab = Lab()\nlab.reset('mail')\nexercises = Exercises(lab, '01')"

# The slip, and what the sentence must tell, in French.
SLIPS = {
    "a cell above has not been run": ("smtp.ehlo('poste')", ("smtp", "Exécuter toutes les cellules au-dessus")),
    "a name misspelt": ("exercise.check(1)", ("exercise", "mal écrit")),
    "a command too early": ("smtp = lab.smtp()\nsmtp.rcpt('a@minfo.sn')", ("RCPT", "EHLO")),
    "a command after the farewell": ("smtp = lab.smtp()\nsmtp.quit()\nsmtp.noop()", ("mail.minfo.sn",)),
    "a host that is none": ("lab.smtp(as_host='mx.ugb')", ("mx.ugb", "mx.ugb.sn")),
    "a server's name misspelt": (
        "from mailsim import SmtpTracer\nSmtpTracer('mail.minfo.invalid:25')",
        ("mail.minfo.invalid",),
    ),
    "a closed port": ("lab.smtp('submission')", ("587", "fermé")),
    "a service that is none": ("lab.smtp('smpt')", ("smpt", "submission")),
    "a stage that is none": ("lab.reset('mial')", ("mial", "mail")),
    "a user that is none": ("lab.accounts.password('usr')", ("usr", "user@minfo.sn")),
    "an address that is none": ("smtp = lab.smtp()\nsmtp.ehlo('x')\nsmtp.mail('user')", ("user", "send_raw")),
    "an exercise that is none": ("exercises.check(9)", ("9", "1, 2, 3, 4")),
    "a lab that has ended": ("lab.close()\nlab.stage", ("default",)),
}  # fmt: skip


def cells(*sources: str) -> list[NotebookNode]:
    return [nbformat.v4.new_code_cell(source) for source in sources]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NotebookNode]:
    """All slips in one kernel; the lab is opened anew before each."""
    wanted = [source for slip, _ in SLIPS.values() for source in (OPEN, slip)]
    done = run(cells(*wanted), "fr", tmp_path_factory.mktemp("home"), MAILSIM_SEED="1")
    return dict(zip(SLIPS, done[1::2], strict=True))


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_told_in_a_sentence(slip: str, told: dict[str, NotebookNode]) -> None:
    cell = told[slip]
    [error] = [one for one in cell.outputs if one.output_type == "error"]
    shown_to_the_student = "\n".join(error.traceback)
    assert len(error.traceback) == 1, shown_to_the_student
    assert "Traceback" not in shown_to_the_student
    assert "File " not in shown_to_the_student
    for part in SLIPS[slip][1]:
        assert part in shown_to_the_student, shown_to_the_student
    assert error.evalue.rstrip().endswith((".", ")", "?"))


def test_a_wrong_password_is_an_answer_and_the_step_explains_it(tmp_path: Path) -> None:
    source = "with lab.imap() as imap:\n    print(imap.login('user', 'Minfo').explain())"
    done = run(cells(OPEN, source), "fr", tmp_path, MAILSIM_SEED="1")[-1]
    assert not has_error(done)
    assert "AUTHENTICATIONFAILED" in shown(done)
    assert "mot de passe" in shown(done)


def test_a_kernel_started_anew_knows_nothing_and_says_so(tmp_path: Path) -> None:
    # As `mailsim lab` starts kernels, before any cell has imported anything.
    startup = Path(__file__).parents[2] / "mailsim" / "lab" / "startup.py"
    last = code_cells("01_smtp_by_hand.ipynb")[-1]
    done = run([last], "fr", tmp_path, PYTHONSTARTUP=str(startup))[-1]
    [error] = done.outputs
    assert error.traceback == [f"UsageError: {error.evalue}"]
    assert "« lab »" in error.evalue.replace("\u00a0", " ")


def test_the_startup_leaves_no_name_behind(tmp_path: Path) -> None:
    startup = Path(__file__).parents[2] / "mailsim" / "lab" / "startup.py"
    source = "[name for name in dir() if 'watch' in name or 'mailsim' in name]"
    done = run(cells(source), "en", tmp_path, PYTHONSTARTUP=str(startup))[-1]
    assert shown(done) == "[]"


def test_a_lab_that_does_not_run_is_told(tmp_path: Path) -> None:
    done = run(cells("from mailsim import Lab\nlab = Lab()"), "fr", tmp_path, MAILSIM_LAB="classe")[
        -1
    ]
    [error] = done.outputs
    assert len(error.traceback) == 1
    assert "classe" in error.evalue
    assert "mailsim up" in error.evalue


def test_an_error_in_a_library_keeps_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "library.py").write_text("def go():\n    return missing\n")
    source = f"import sys\nsys.path.append({str(tmp_path)!r})\nimport library\nlibrary.go()"
    done = run(cells(OPEN, source), "en", tmp_path, MAILSIM_SEED="1")[-1]
    [error] = done.outputs
    assert error.ename == "NameError"
    assert len(error.traceback) > 1
