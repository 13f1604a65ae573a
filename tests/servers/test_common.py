"""Clock, ids, log and accounts: the ground on which a run repeats."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from mailsim.dialogue.log import parse_line
from mailsim.model.network import network_of
from mailsim.servers import log as log_module
from mailsim.servers.accounts import LabAccounts
from mailsim.servers.clock import START, Clock
from mailsim.servers.ids import Ids
from mailsim.servers.log import Log

NETWORK = network_of(json.loads(files("mailsim.lab").joinpath("network.json").read_text("utf-8")))


def test_a_fixed_clock_passes_by_ticks_and_advance_alone() -> None:
    clock = Clock(fixed=True)
    assert clock.now() == clock.now() == START
    clock.tick()
    clock.advance(3600)
    assert clock.now() == START + 3601
    assert clock.syslog() == "Jun 21 09:00:01"
    assert clock.header() == "Mon, 21 Jun 2010 09:00:01 +0000 (UTC)"


def test_a_running_clock_is_the_system_s_and_can_be_advanced() -> None:
    clock = Clock(fixed=False)
    before = clock.now()
    clock.tick()
    assert clock.offset == 0
    clock.advance(86_400)
    assert clock.now() >= before + 86_400


def test_who_waits_for_a_time_is_told_of_an_advance() -> None:
    clock, told = Clock(fixed=True), []
    clock.on_advance(lambda: told.append(clock.now()))
    clock.advance(5)
    assert told == [START + 5]


def test_ids_repeat_with_the_seed_and_are_never_given_twice() -> None:
    def draw(seed: str) -> list[str]:
        ids = Ids(seed)
        return [ids.queue_id() for _ in range(1000)]

    assert draw("a") == draw("a")
    assert draw("a") != draw("b")
    assert len(set(draw("a"))) == 1000


def test_one_more_pid_changes_no_queue_id() -> None:
    one, other = Ids("a"), Ids("a")
    other.pid()
    assert one.queue_id() == other.queue_id()
    assert one.state() != other.state()


def test_a_log_line_is_syslog_s_and_keeps_to_its_line() -> None:
    log = Log(Clock(fixed=True))
    log.write("postfix/smtpd", 1001, "connect from a\r\nJun 21 forged[192.168.10.50]")
    (line,) = log.lines()
    parsed = parse_line(line)
    assert (parsed.stamp, parsed.host) == ("Jun 21 08:00:00", "mail")
    assert (parsed.program, parsed.pid) == ("postfix/smtpd", 1001)
    assert "\n" not in line
    assert "a??Jun" in line


def test_the_log_is_bounded_and_read_from_a_place_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "KEPT", 3)
    log = Log(Clock(fixed=True))
    for number in range(5):
        log.write("x", 1, str(number))
    assert [line[-1] for line in log.lines()] == ["2", "3", "4"]
    assert [line[-1] for line in log.lines(since=4)] == ["4"]
    assert log.lines(since=5) == ()
    assert log.written == 5


def test_passwords_come_from_the_seed_but_for_the_thesis_s_own() -> None:
    def of(seed: str) -> dict[str, str]:
        return {one.user: one.password for one in LabAccounts(NETWORK, seed).listed()}

    assert of("a") == of("a")
    assert of("a")["cheikh"] != of("b")["cheikh"]
    assert of("a")["user"] == "minfo"
    assert len(set(of("a").values())) == len(of("a"))


def test_a_login_is_the_local_part_or_the_full_address() -> None:
    accounts = LabAccounts(NETWORK, "a")
    for name in ("user", "User@minfo.sn", "USER"):
        password = accounts.get(name)
        assert password is not None
        assert password.reveal() == b"minfo"
    assert accounts.get("user@ugb.sn") is None
    assert accounts.get("secretaire") is None
    assert accounts.authorizes("user", "user@minfo.sn")
    assert not accounts.authorizes("user", "admin")


def test_f22_makes_every_password_the_thesis_s_own() -> None:
    accounts = LabAccounts(NETWORK, "a")
    accounts.weak = True
    assert {one.password for one in accounts.listed()} == {"minfo"}
