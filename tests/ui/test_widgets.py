"""The widgets by direct calls: traits set and buttons clicked as the browser would."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mailsim import Lab, ui
from mailsim.errors import MailsimError
from mailsim.knowledge import entry
from mailsim.knowledge import table as knowledge_table
from mailsim.ui import groups, lab_tables
from mailsim.ui.dialogue_stepper import Stepper
from mailsim.ui.markup import said, table
from mailsim.ui.return_codes import OUTCOMES, PROTOCOLS, TABLES, find_codes, return_codes
from mailsim.ui.stepping import Source
from mailsim.wire.outcome import Outcome

HOSTILE = "<script>alert(1)</script>"


def heard(stepper: Stepper, **content: object) -> None:
    """What the browser sends."""
    stepper.widget._handle_custom_msg(content, [])


def test_importing_mailsim_or_its_ui_loads_no_widgets() -> None:
    code = (
        "import sys, mailsim, mailsim.ui; "
        "print([n for n in ('ipywidgets', 'anywidget', 'traitlets') if n in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_without_the_packages_a_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mailsim.ui.shown.find_spec", lambda name: name == "ipywidgets" or None)
    with pytest.raises(MailsimError, match=r"anywidget.*mailsim\[lab\]"):
        ui.explorer()


# the stepper


@pytest.fixture
def stepper_of() -> Iterator[Callable[..., Stepper]]:
    """Makes steppers, and closes their connections."""
    made: list[Stepper] = []

    def make(source: Source, lang: str | None = None) -> Stepper:
        made.append(ui.stepper(source, lang=lang))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_step_in_the_browser_changes_what_it_shows(
    stepper_of: Callable[..., Stepper], lab: Lab
) -> None:
    stepper = stepper_of(lab.smtp)
    widget, turn = stepper.widget, stepper.widget.turn
    assert widget.server == "mail.minfo.sn:25"
    assert [one["verb"] for one in widget.commands if one["verb"] == "EHLO"]
    heard(stepper, say="EHLO poste.minfo.sn")
    assert widget.turn == turn + 1
    assert {"kind": "C", "text": "EHLO poste.minfo.sn"}.items() <= widget.rows[1].items()
    assert "EHLO poste.minfo.sn" in widget.ladder
    assert "MAIL" in [one["verb"] for one in widget.commands]
    heard(stepper, say="QUIT")
    assert widget.ended
    assert widget.can_connect
    assert widget.commands == []
    heard(stepper, say="NOOP")
    assert widget.failed
    assert "connect again" in widget.told
    heard(stepper, connect=True)
    assert not widget.ended
    assert len(widget.rows) == 1


def test_what_goes_wrong_in_a_callback_is_told(
    stepper_of: Callable[..., Stepper], lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    stepper = stepper_of(lab.smtp)

    def broken(_: str) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(stepper.stepping, "say", broken)
    heard(stepper, say="NOOP")
    assert stepper.widget.failed
    assert "RuntimeError: no" in stepper.widget.told


@pytest.mark.parametrize("content", [{}, {"say": 1}, {"say": None}, {"connect": "yes"}, {"x": 1}])
def test_what_the_stepper_does_not_know_changes_nothing(
    stepper_of: Callable[..., Stepper], lab: Lab, content: Any
) -> None:
    stepper = stepper_of(lab.smtp)
    before = stepper.text
    heard(stepper, **content)
    assert stepper.text == before
    assert not stepper.widget.failed


def test_no_secret_reaches_the_browser(stepper_of: Callable[..., Stepper], lab: Lab) -> None:
    password = lab.accounts.password("cheikh")
    stepper = stepper_of(lab.pop3)
    heard(stepper, say="USER cheikh")
    heard(stepper, say=f"PASS {password}")
    assert password not in json.dumps(stepper.widget.get_state(), default=str)
    assert "+OK" in stepper.widget.rows[-1]["text"]


def test_of_a_very_long_dialogue_the_end_is_sent(
    stepper_of: Callable[..., Stepper], lab: Lab
) -> None:
    stepper = stepper_of(lab.imap)
    for n in range(4):
        stepper.say("\n".join(f"n{n}x{m} NOOP" for m in range(90)))
    assert stepper.widget.offset == 0
    for n in range(4, 8):
        stepper.say("\n".join(f"n{n}x{m} NOOP" for m in range(90)))
    assert stepper.widget.offset == 500
    assert len(stepper.widget.rows) == len(stepper.stepping.spoken) - 500
    assert "n7x89" in stepper.widget.rows[-1]["text"]


def test_the_text_of_a_notebook_is_the_same_each_time(
    stepper_of: Callable[..., Stepper], lab: Lab
) -> None:
    shown = stepper_of(lab.smtp)._repr_mimebundle_()
    assert shown["text/plain"] == stepper_of(lab.smtp)._repr_mimebundle_()["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in shown


def test_the_words_are_in_the_language_asked_for(
    stepper_of: Callable[..., Stepper], lab: Lab
) -> None:
    assert stepper_of(lab.smtp, lang="fr").widget.labels["send"] == "Envoyer"
    assert stepper_of(lab.smtp, lang="en").widget.labels["send"] == "Send"


# the explorer


def test_every_code_of_every_table_is_there_with_its_protocol() -> None:
    codes = return_codes()
    assert {one.entry.id.rsplit(".", 1)[0] for one in codes} >= {"smtp.reply", "imap.code"}
    assert {each for one in codes for each in one.protocols} == set(PROTOCOLS)
    assert len(codes) == sum(len(knowledge_table(one)) for one in TABLES)
    by_name = {one.entry.id: one for one in codes}
    assert by_name["smtp.reply.451"].outcomes == (Outcome.TEMPORARY,)
    assert by_name["smtp.reply.354"].outcomes == (Outcome.INTERMEDIATE,)
    assert by_name["enhanced.code.X.7.1"].outcomes == (Outcome.TEMPORARY, Outcome.PERMANENT)
    assert by_name["pop3.code.SYS/TEMP"].outcomes == (Outcome.TEMPORARY,)


def test_a_whole_reply_finds_what_it_is_made_of_first() -> None:
    reply = (
        "550 5.1.1 <x@minfo.sn>: Recipient address rejected: User unknown in local recipient table"
    )
    assert [one.entry.id for one in find_codes(reply)][:3] == [
        "wording.postfix.user-unknown-local",
        "enhanced.code.X.1.1",
        "smtp.reply.550",
    ]
    assert find_codes("5.1.1")[0].entry.id == "enhanced.code.X.1.1"


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_class_and_a_protocol_narrow(outcome: Outcome) -> None:
    found = find_codes(protocol="smtp", outcome=outcome.value)
    assert found
    assert all("smtp" in one.protocols and outcome in one.outcomes for one in found)


def test_what_is_none_is_refused() -> None:
    with pytest.raises(MailsimError, match="gopher"):
        find_codes(protocol="gopher")
    with pytest.raises(MailsimError, match="fatal"):
        find_codes(outcome="fatal")


def test_the_explorer_follows_its_controls() -> None:
    explorer = ui.explorer("421", lang="en")
    assert explorer.codes[0].entry.id == "smtp.reply.421"
    assert entry("smtp.reply.421").short("en") in explorer.detail.value
    explorer.language.value = "fr"
    assert explorer.search.description == "Recherche"
    assert entry("smtp.reply.421").cause("fr").replace("'", "&#x27;") in explorer.detail.value
    explorer.search.value = ""
    explorer.protocol.value = "imap"
    assert all("imap" in one.protocols for one in explorer.codes)
    explorer.outcome.value = "temporary"
    assert explorer.codes == ()
    assert explorer.detail.value == ""
    assert "0 codes" in explorer.text
    explorer.search.value = HOSTILE
    assert "<script" not in explorer.count.value


# the bench


def test_a_changed_letter_is_followed_to_its_group() -> None:
    assert groups.changed(b"minfo", b"minfo") == frozenset()
    assert groups.changed(b"minfo", b"minfa") == {1}
    assert groups.changed(b"min", b"minf") == {1}
    assert groups.group_rows(b"min")[0] == (
        "6d 69 6e",
        "m i n",
        "01101101 01101001 01101110",
        "011011 010110 100101 101110",
        "27 22 37 46",
        "b W l u",
    )


def test_the_bench_follows_the_password() -> None:
    bench = ui.bench("PLAIN", lang="en")
    assert "AHVzZXIAbWluZm8=" in bench.result.value
    assert "m-new" not in bench.result.value
    bench.password.value = "minfa"
    assert "AHVzZXIAbWluZmE=" in bench.result.value
    assert bench.result.value.count('class="m-new"') == 1
    assert "* changed by your last change" in bench.result.value
    assert "minfa" not in bench.text  # what the notebook keeps has no password


def test_every_mechanism_shows_every_step() -> None:
    bench = ui.bench()
    for mechanism in bench.mechanism.options:
        bench.mechanism.value = mechanism
        assert bench.steps, mechanism
        for at, step in enumerate(bench.steps):
            bench.step.value = at
            assert step.token_base64 in bench.result.value or not step.data
    bench.mechanism.value = "SCRAM-SHA-256"
    bench.step.value = 2
    assert "SaltedPassword" in bench.result.value


def test_the_bench_tells_what_no_mechanism_can_send_and_goes_on() -> None:
    bench = ui.bench("PLAIN", lang="en")
    bench.user.value = "a\x00b"
    assert 'role="alert"' in bench.result.value
    assert bench.steps == ()
    bench.user.value = "user"
    assert bench.steps


def test_a_text_and_a_token_are_taken_apart() -> None:
    bench = ui.bench(lang="en")
    bench.work.value = "text"
    bench.typed.value = HOSTILE
    assert "<script" not in bench.result.value
    bench.typed.value = "é" * 500
    assert "more groups" in bench.result.value
    bench.work.value = "token"
    bench.token.value = "AUTH PLAIN AHVzZXIAbWluZm8="
    assert "PLAIN" in bench.result.value
    assert "minfo" in bench.result.value
    bench.token.value = "%"
    assert 'role="alert"' in bench.result.value


# the panel


def test_the_panel_shows_what_the_lab_has_and_resets_it(lab: Lab) -> None:
    message = f"From: user@minfo.sn\nTo: user@minfo.sn\nSubject: {HOSTILE}\n\nx\n"
    lab.wait(lab.deliver(message))
    panel = ui.panel(lab, lang="en")
    assert "pop3s  mail.minfo.sn:995  closed" in panel.text
    panel.view.value = "mailboxes"
    assert [row[4] for row in panel.shown().rows] == [HOSTILE]
    assert "<script" not in panel.table.value
    assert "&lt;script" in panel.table.value
    panel.view.value = "logs"
    assert "stored mail into mailbox" in panel.table.value or "saved mail" in panel.table.value
    panel.stage.value = "tls"
    panel.reset.click()
    assert lab.stage.value == "tls"
    assert "stage is tls" in panel.told.value
    panel.view.value = "mailboxes"
    assert panel.shown().rows == ()
    assert "nothing" in panel.table.value


def test_the_panel_shows_the_settings_between_two_stages(lab: Lab) -> None:
    panel = ui.panel(lab, lang="fr")
    panel.view.value = "settings"
    panel.first.value, panel.second.value = "sasl", "tls"
    rows = {row[1]: row for row in panel.shown().rows if row[0].endswith("main.cf")}
    assert rows["smtpd_tls_auth_only"][2:4] == ("—", "yes")
    assert rows["mynetworks"][3:5] == ("127.0.0.0/8", "MTA4")
    assert "boucle locale" in rows["mynetworks"][5]
    assert panel.stages.layout.display == ""
    panel.view.value = "queue"
    assert panel.stages.layout.display == "none"


def test_the_panel_shows_what_waits_and_why(lab: Lab) -> None:
    later = {"action": "answer", "command": "RCPT", "text": "451 4.3.0 Try again later"}
    lab.disturb({"name": "tard", "service": "peer", "protocol": "smtp", **later})
    lab.deliver("From: user@minfo.sn\nTo: secretaire@ugb.sn\n\nx\n")
    lab.idle()
    rows = lab_tables.queue(lab, "en").rows
    assert [row[3] for row in rows] == ["secretaire@ugb.sn"]
    assert "451" in rows[0][4]


def test_a_lab_that_is_closed_is_told_in_the_panel(lab: Lab) -> None:
    panel = ui.panel(lab, lang="fr")
    lab.close()
    panel.refresh.click()
    assert 'role="alert"' in panel.told.value


# the journey


def test_the_journey_is_walked_stop_by_stop(lab: Lab) -> None:
    lab.wait(lab.deliver("From: user@minfo.sn\nTo: user@minfo.sn\nMessage-ID: <v@x>\n\nx\n"))
    view = ui.journey(lab, "v@x", lang="en")
    assert "It lies in a mailbox" in view.text
    assert view.stop.value == 0
    assert view.back.disabled
    for _ in view.stops:
        view.on.click()
    assert view.stop.value == len(view.stops) - 1
    assert view.on.disabled
    assert "It leaves the queue" in view.detail.value
    view.back.click()
    assert view.stop.value == len(view.stops) - 2
    same = ui.journey(lab.journey("v@x"), lang="en")
    assert same.text == view.text


def test_a_message_that_the_log_does_not_know_yet(lab: Lab) -> None:
    view = ui.journey(lab, "tard@x", lang="en")
    assert "does not know" in view.text
    view.on.click()
    lab.wait(lab.deliver("From: user@minfo.sn\nTo: user@minfo.sn\nMessage-ID: <tard@x>\n\nx\n"))
    view.refresh.click()
    assert view.stops
    with pytest.raises(MailsimError, match="Message-ID"):
        ui.journey(lab)


def test_nothing_but_text_comes_out_of_a_table() -> None:
    made = table(HOSTILE, [HOSTILE], [(HOSTILE,)], new=frozenset({0})) + said(HOSTILE, code=HOSTILE)
    assert "<script" not in made
    assert made.count("&lt;script&gt;") == 5
    assert "&gt; *</td>" in made
