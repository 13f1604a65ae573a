from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.dialogue import Dialogue, Exchange, Line, Note, Side
from mailsim.dialogue.text import read_text
from mailsim.model import Endpoint, Protocol
from mailsim.render.explained import explained_html, explained_text
from mailsim.render.html import dialogue_html, step_html
from mailsim.render.ladder import Ladder
from mailsim.render.text import dialogue_text, step_text
from mailsim.render.timing import timing
from mailsim.tracers.step import Step

SESSION = """\
# protocol: smtp
# endpoint: mail.minfo.sn:25
S: 220 mail.minfo.sn ESMTP Postfix

C: STARTTLS
S: 220 2.0.0 Ready to start TLS

== TLS ==
C: AUTH PLAIN AHVzZXIAaHVudGVyMg==
S: 235 2.7.0 Authentication successful hunter2

C| \\x00<script>&\\n
S: 500 5.5.2 <script>alert(1)</script>
"""


@pytest.fixture
def dialogue() -> Dialogue:
    return read_text(SESSION).dialogue


def test_the_text_reads_as_rfcs_print_it(dialogue: Dialogue) -> None:
    assert dialogue_text(dialogue) == (
        "S: 220 mail.minfo.sn ESMTP Postfix\n"
        "\n"
        "C: STARTTLS\n"
        "S: 220 2.0.0 Ready to start TLS\n"
        "\n"
        "== TLS ==\n"
        "C: AUTH PLAIN […]\n"
        "S: 235 2.7.0 Authentication successful […]\n"
        "\n"
        "C| \\x00<script>&\\n\n"
        "S: 500 5.5.2 <script>alert(1)</script>"
    )


def test_the_shown_text_can_be_read_again(dialogue: Dialogue) -> None:
    again = read_text(dialogue_text(dialogue, reveal=True)).dialogue
    assert [(x.side, x.raw, x.secure) for x in again.lines()] == [
        (x.side, x.raw, x.secure) for x in dialogue.lines()
    ]


def test_secrets_are_in_no_rendering_unless_revealed(dialogue: Dialogue) -> None:
    ladder = Ladder.of(dialogue)
    rendered = [
        dialogue_text(dialogue),
        dialogue_html(dialogue),
        explained_text(dialogue),
        explained_html(dialogue),
        ladder.text,
        ladder.svg,
        ladder.mermaid,
        "".join(label.get_text() for label in timing(dialogue).axes[0].get_yticklabels()),
    ]
    for text in rendered:
        assert "hunter2" not in text
        assert "AHVzZXIA" not in text
    assert "AHVzZXIAaHVudGVyMg==" in dialogue_text(dialogue, reveal=True)


def test_the_server_s_text_is_escaped_in_html(dialogue: Dialogue) -> None:
    for page in (dialogue_html(dialogue), step_html(dialogue), explained_html(dialogue)):
        assert "<script" not in page
        assert "&lt;script&gt;" in page


def test_html_tells_sides_and_tls_without_colours(dialogue: Dialogue) -> None:
    page = dialogue_html(dialogue, lang="fr")
    assert 'title="protégé par TLS"' in page
    assert 'title="en clair"' in page
    assert 'title="serveur"' in page
    assert 'aria-label="Transcription"' in page


def test_a_ladder_has_a_rung_a_row_and_says_it_in_words(dialogue: Dialogue) -> None:
    ladder = Ladder.of(dialogue, "en")
    picture = ET.fromstring(ladder.svg)  # noqa: S314 - our own text
    space = {"s": "http://www.w3.org/2000/svg"}
    assert picture.findtext("s:desc", namespaces=space) == ladder.text
    assert len(picture.findall("s:g", space)) == 7
    assert ladder.mermaid.count("->>") == 7
    assert "Note over C,S: TLS covers what follows" in ladder.mermaid
    bundle = ladder._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/svg+xml"}


@given(st.lists(st.tuples(st.sampled_from(Side), st.binary(max_size=30)), min_size=1, max_size=5))
def test_any_bytes_can_be_drawn(lines: list[tuple[Side, bytes]]) -> None:
    endpoint = Endpoint("x", Protocol.SMTP, 'a"<b>', 25)
    exchange = Exchange(tuple(Line(side, raw) for side, raw in lines), (Note("note.raw"),))
    drawn = Dialogue(endpoint, (exchange,))
    ET.fromstring(Ladder.of(drawn).svg)  # noqa: S314 - our own text
    page = dialogue_html(drawn)
    assert not re.search(r"<(?!/?(?:style|table|tbody|tr|td)\b)", page)
    assert "\x00" not in step_text(drawn)
    for row in Ladder.of(drawn).mermaid.splitlines()[3:]:
        assert row.startswith("    ")


def test_the_timing_plot_has_a_point_a_line(dialogue: Dialogue) -> None:
    axes: Any = timing(dialogue, lang="fr").axes[0]
    points = [line.get_xdata() for line in axes.get_lines()]
    assert sum(map(len, points)) == 7
    assert axes.get_xlabel() == "millisecondes depuis la connexion"


def test_an_empty_dialogue_is_nothing() -> None:
    empty = Dialogue(Endpoint("x", Protocol.SMTP, "x", 25))
    assert dialogue_text(empty) == step_text(empty) == step_html(empty) == ""
    assert Ladder.last(empty).rows == ()


def test_each_row_is_followed_by_what_it_means_once() -> None:
    text = "# protocol: smtp\nS: 220 x\n\nC: EHLO y\nS: 250-x\nS: 250-PIPELINING\nS: 250 SIZE 1\n"
    said = explained_text(read_text(text).dialogue, lang="en", last_only=True).splitlines()
    assert [row for row in said if not row.startswith("   ")] == [
        "C: EHLO y",
        "S: 250-x",
        "S: 250-PIPELINING",
        "S: 250 SIZE 1",
    ]
    assert [row for row in said if row.startswith("   ")][2].startswith("   PIPELINING: ")
    assert sum("(250: " in row for row in said) == 1


def test_a_notebook_shows_a_dialogue_as_it_shows_a_step(dialogue: Dialogue) -> None:
    step = Step[object](dialogue.exchanges[-1], (), lambda: dialogue)
    shown = step.dialogue._repr_mimebundle_()
    assert shown["text/plain"] == repr(dialogue) == str(dialogue)
    assert shown["text/html"] == dialogue_html(dialogue)
    assert [line for line in repr(dialogue).splitlines() if line] == [
        line for line in dialogue_text(dialogue).splitlines() if line and not line.startswith("#")
    ]


def test_what_was_explained_is_not_explained_again() -> None:
    text = "# protocol: pop3\nS: +OK hi\n\nC: NOOP\nS: +OK\n\nC: NOOP\nS: +OK\n\nC: QUIT\nS: +OK\n"
    dialogue = read_text(text).dialogue
    said = explained_text(dialogue, lang="en").splitlines()
    assert said.count("   as above") == 3
    for row in ("C: NOOP", "S: +OK"):
        places = [at for at, one in enumerate(said) if one == row]
        assert [said[at + 1] == "   as above" for at in places] == [False] + [True] * (
            len(places) - 1
        )
    assert explained_html(dialogue, lang="fr").count("<td>comme plus haut</td>") == 3
    # A step by itself has no above.
    assert "as above" not in explained_text(dialogue, lang="en", last_only=True)


def test_an_explanation_that_has_something_new_is_given_again() -> None:
    text = "# protocol: imap\nS: * OK hi\n\nC: a FETCH 1 FLAGS\nS: a OK x\n\nC: b FETCH 1 UID\n"
    said = explained_text(read_text(text).dialogue, lang="en").splitlines()
    assert "FLAGS: " in said[said.index("C: a FETCH 1 FLAGS") + 1]
    again = said[said.index("C: b FETCH 1 UID") + 1]
    assert "UID: " in again
    assert "FLAGS: " not in again


def test_the_explanation_speaks_french(dialogue: Dialogue) -> None:
    assert "La première ligne du serveur" in explained_text(dialogue, lang="fr")
