"""The simulator answers as the real systems did when they were last asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mailsim.model.stage import Stage
from mailsim.protocol import imap, managesieve, pop3, smtp
from mailsim.protocol.table import Table
from tests.fidelity import kept, probes_imap, probes_pop3, probes_sieve, probes_smtp
from tests.fidelity.cells import Observation, different, figures
from tests.fidelity.conversation import Conversation, Probe, State
from tests.fidelity.haste import hurry_simulated
from tests.fidelity.reasons import reason
from tests.fidelity.replayed import observations
from tests.fidelity.rounds import STAGES, asked
from tests.fidelity.wire import Answer

RELEASES = ("bookworm", "trixie")


@pytest.mark.timeout(600)  # twelve thousand commands a release
@pytest.mark.usefixtures("lab_home")
@pytest.mark.parametrize("release", RELEASES)
def test_all_refusals_and_nearly_all_cells_are_equal(
    release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry_simulated(monkeypatch)
    found: list[Observation] = []
    for stage in STAGES:
        found += observations(release, stage, kept.read(release, stage.value))
    counted = figures(found)
    assert counted.refusal_share == 100, counted
    assert counted.share >= 98, counted
    assert [one.command for one in different(found) if not reason(one)] == []


@pytest.mark.parametrize(
    ("table", "variants"),
    [
        (smtp.TABLE, probes_smtp.VARIANTS),
        (pop3.TABLE, probes_pop3.VARIANTS),
        (imap.TABLE, probes_imap.VARIANTS),
        (managesieve.TABLE, probes_sieve.VARIANTS),
    ],
)
def test_every_command_of_the_tables_is_asked(
    table: Table[Any], variants: dict[str, object]
) -> None:
    said = {row.verb for row in table.rows}
    assert said - variants.keys() - _NO_COMMANDS == set()


# They open and end connections, or are no command; what answers a challenge has states of its own.
_NO_COMMANDS = {
    *("greeting", "greeting PREAUTH", "handshake", "BYE", "RESPONSE", "."),
    *("EHLO", "LHLO", "QUIT", "LOGOUT"),
}


def test_states_have_names_of_their_own() -> None:
    for stage in STAGES:
        names = [state.name for round_ in asked(stage).values() for state, _ in round_]
        assert len(names) == len(set(names))


def observed(command: str, real: Answer, simulated: Answer, state: str = "s") -> Observation:
    return Observation("smtp", "bookworm", "mail", state, command, real, simulated)


def test_a_cell_is_equal_where_all_its_observations_are() -> None:
    good, bad = Answer("250", "2.1.0"), Answer("550", "5.1.1")
    found = [
        observed("MAIL", good, good, "one"),
        observed("MAIL", good, bad, "two"),
        observed("MAIL", bad, bad),
        observed("RSET", bad, Answer("550", "5.7.1")),
        observed("EHLO x", good, bad),
        observed("QUIT", good, bad),
    ]
    counted = figures(found)
    assert (counted.cells, counted.equal, counted.observations) == (3, 1, 4)
    assert (counted.refusals, counted.refusals_equal) == (2, 2)
    assert [one.command for one in different(found)] == ["MAIL", "RSET"]


def test_answers_are_kept_only_for_what_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    kept.write(
        "bookworm",
        "mail",
        [Conversation(State("nowhere", "smtp"), [], [(Probe("X"), Answer("500"))])],
    )
    with pytest.raises(kept.OutdatedError):
        list(kept.read("bookworm", Stage.MAIL.value))
