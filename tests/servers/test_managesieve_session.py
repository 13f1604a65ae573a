"""What a ManageSieve session does beyond what the dialogues show."""

from __future__ import annotations

import asyncio
import sqlite3
import tracemalloc
from typing import Any

import pytest

from mailsim.model.stage import Release, Stage
from mailsim.servers.disturbance import reply, truncate
from mailsim.servers.managesieve import ManageSieveSession, parsing, replies
from mailsim.servers.managesieve.names import is_valid
from mailsim.servers.managesieve.parsing import Kind
from mailsim.wire.managesieve import Literal
from tests.servers.dovecotd import Dovecot
from tests.servers.smtpd import SILENT

LOGIN = 'AUTHENTICATE "PLAIN" "AHVzZXIAbWluZm8="'


def sieve(release: Release = Release.NOBLE, **settings: Any) -> Dovecot:
    open_login: dict[str, Any] = {"ssl": "yes", "disable_plaintext_auth": False}
    return Dovecot(
        ManageSieveSession, "managesieve", Stage.SIEVE, release, **(open_login | settings)
    )


def after_login(dovecot: Dovecot, *said: str | bytes) -> list[str]:
    """What is answered behind the login."""
    lines = dovecot.talk(LOGIN, *said).lines
    return lines[lines.index('OK "Logged in."') + 1 :]


def put(name: str, script: str) -> bytes:
    return f'PUTSCRIPT "{name}" {{{len(script.encode())}+}}\r\n{script}\r\n'.encode()


# --- scripts


def test_a_script_is_kept_as_it_came_and_in_the_fingerprint() -> None:
    dovecot = sieve()
    before = dovecot.world.state()["mail"]
    text = "# été\r\nkeep;\n"
    assert after_login(dovecot, put("vacances", text), 'SETACTIVE "vacances"') == [
        'OK "PUTSCRIPT completed."', 'OK "Setactive completed."',
    ]  # fmt: skip
    store = dovecot.world.store
    assert store.active_script("user") == ("vacances", text.encode())
    assert store.scripts("cheikh") == ()
    assert dovecot.world.state()["mail"] != before


def test_a_script_that_does_not_compile_leaves_the_old_one() -> None:
    dovecot = sieve()
    lines = after_login(dovecot, put("tri", "keep;"), put("tri", "garde;"))
    errors = [
        "tri: line 1: error: unknown command 'garde' (only reported once at first occurrence).",
        "tri: error: validation failed.",
    ]
    octets = sum(len(one) + len("\r\n") for one in errors)
    assert lines[1:] == [f"NO {{{octets}}}", *errors, ""]
    assert dovecot.world.store.script("user", "tri") == b"keep;"


def test_at_most_five_errors_are_told() -> None:
    lines = after_login(sieve(), put("faux", "".join(f"c{n};\n" for n in range(9))))
    assert sum(": error: unknown command" in line for line in lines) == 5
    assert "faux: error: validation failed." not in lines


def test_an_included_script_may_be_missing_until_it_is_activated() -> None:
    dovecot = sieve()
    text = 'require "include";\r\ninclude :personal "autre";\r\n'
    lines = after_login(dovecot, put("tout", text), 'SETACTIVE "tout"', "LISTSCRIPTS")
    assert lines[0] == 'OK "PUTSCRIPT completed."'
    assert lines[1].startswith("NO ")
    assert lines[-2:] == ['"tout"', 'OK "Listscripts completed."']
    assert after_login(dovecot, put("autre", "keep;"), 'SETACTIVE "tout"')[1:] == [
        'OK "Setactive completed."'
    ]


def test_a_script_of_its_own_may_be_as_large_as_the_limit() -> None:
    text = "#" + "x" * (1024 * 1024 - 8) + "\r\nkeep;"[:7]
    assert len(text) == 1024 * 1024
    assert after_login(sieve(), put("grand", text))[0].startswith("OK")
    assert after_login(sieve(), put("grand", text + "x"))[0] == (
        'NO (QUOTA/MAXSIZE) "Script is too large (max 1048576 bytes)."'
    )


def test_a_full_disk_leaves_the_scripts_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    dovecot = sieve()
    after_login(dovecot, put("un", "keep;"))

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(dovecot.world.store, "put_script", full)
    lines = after_login(dovecot, put("un", "discard;"), "LISTSCRIPTS")
    assert lines[0].startswith('NO (TRYLATER) "Internal error occurred. ')
    assert lines[1:] == ['"un"', 'OK "Listscripts completed."']


# --- the connection


def test_unauthenticate_is_there_on_full_alone() -> None:
    said = ("CAPABILITY", "UNAUTHENTICATE", "LISTSCRIPTS", LOGIN, "LISTSCRIPTS")
    lines = after_login(sieve(Release.FULL), *said)
    assert '"UNAUTHENTICATE"' in lines
    assert lines[-4:] == [
        'OK "Unauthenticate completed."',
        'NO "Error in MANAGESIEVE command received by server."',
        'OK "Logged in."',
        'OK "Listscripts completed."',
    ]
    assert '"UNAUTHENTICATE"' not in after_login(sieve(), "CAPABILITY")


def test_silence() -> None:
    dovecot = sieve()
    assert dovecot.talk(SILENT).lines[-1] == 'BYE "Disconnected for inactivity."'
    assert after_login(dovecot, SILENT) == ['BYE "Disconnected for inactivity"']
    said = len(b'OK "Logged in."\r\nBYE "Disconnected for inactivity"\r\n')
    ended = f": Disconnected: Disconnected for inactivity bytes=0/{said}"
    assert dovecot.log[-1].endswith(ended)


def test_a_client_that_leaves_is_not_said_to_be_disconnected() -> None:
    dovecot = sieve()
    after_login(dovecot, "NOOP", "NOOP")
    assert dovecot.log[-1].endswith(">: Connection closed bytes=12/59")


def test_what_it_hears_and_says_is_counted_as_pigeonhole_counts() -> None:
    dovecot = sieve()
    after_login(dovecot, "LOGOUT")
    assert dovecot.log[-1].endswith(">: Disconnected: Logged out bytes=6/41")


def test_too_many_connections() -> None:
    dovecot = sieve(mail_max_userip_connections=1)
    assert dovecot.world.anvil.connect("managesieve", "192.168.10.50", "user", 1)
    assert dovecot.talk(LOGIN, "NOOP").lines[-1].startswith('NO "Maximum number of ')


@pytest.mark.parametrize("command", ["GREETING", "CAPABILITY", "PUTSCRIPT", "RESPONSE"])
def test_a_disturbance_answers_in_place(command: str) -> None:
    dovecot = sieve()
    text = 'NO (TRYLATER) "Try again later"'
    rule = reply("r", text, protocol="managesieve", command=command)
    dovecot.world.disturbances.add(rule)
    said = ('AUTHENTICATE "PLAIN"', '"AHVzZXIAbWluZm8="', LOGIN, put("a", "keep;"), "CAPABILITY")
    lines = dovecot.talk(*said, "LISTSCRIPTS").lines
    assert text in lines
    assert lines[-1] == (text if command == "GREETING" else 'OK "Listscripts completed."')


def test_truncated() -> None:
    dovecot = sieve()
    dovecot.world.disturbances.add(truncate("t", 7, protocol="managesieve", command="NOOP"))
    assert dovecot.talk("NOOP", "NOOP").heard.endswith(b'ready."\r\nOK "NOO')


# --- hostile


def test_a_literal_over_the_limit_is_let_go_and_not_kept() -> None:
    dovecot = sieve(sieve_max_script_size=1000)
    piece = b"x" * 65_536

    def flood() -> Any:
        yield f"{LOGIN}\r\n".encode()
        yield b'PUTSCRIPT "a" {33554432+}\r\n'
        for _ in range(512):
            yield piece
        yield b'\r\nNOOP "fin"\r\n'

    tracemalloc.start()
    lines = dovecot.talk(*flood()).lines
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert lines[-2:] == [
        'NO (QUOTA/MAXSIZE) "Script is too large (max 1000 bytes)."', 'OK (TAG "fin") "Done"',
    ]  # fmt: skip
    assert peak < 4 * 1024 * 1024
    assert "bytes=335" in dovecot.log[-1]


def test_a_line_without_an_end_is_not_kept() -> None:
    dovecot = sieve()
    client = dovecot.talk(*[b"x" * 60_000] * 50)
    assert client.lines[-1] == 'BYE "Input buffer full, aborting"'
    assert len(client.read_after) == 1
    tracemalloc.start()
    lines = after_login(dovecot, *[b"x" * 60_000] * 200, b"\r\nNOOP\r\n")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert lines[-1] == 'OK "NOOP Completed"'
    assert lines[0].endswith(': Too long argument."')
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize(
    "line",
    [
        b"{5+}",
        b'"',
        b"NOOP {",
        b"NOOP {}",
        b"NOOP {9+}x",
        b"NOOP )",
        b"\0\0",
        b"NOOP \xff",
        b"(" * 5000,
    ],
)
def test_broken_lines_end_nothing(line: bytes) -> None:
    client = sieve().talk(LOGIN, line + b"\r\nxxxxx\r\n", "NOOP")
    assert client.lines[-1] == 'OK "NOOP Completed"'


def test_the_length_of_a_number_is_bounded() -> None:
    lines = after_login(sieve(), f'HAVESPACE "a" {"9" * 20_000}', "NOOP")
    assert lines == ['NO "Invalid scriptsize argument."', 'OK "NOOP Completed"']


# --- names and lines


@pytest.mark.parametrize(
    "name", ["a", "été à Dakar", "n" * 256, "a.b", "..", "'", '"', "\\", "\U0001f600"]
)
def test_names(name: str) -> None:
    assert is_valid(name)


@pytest.mark.parametrize(
    "name", ["", "n" * 257, "a/b", "a\tb", "a\x7f", "\x85", "ÿ", "\u2028", "a\udcff"]
)
def test_what_is_no_name(name: str) -> None:
    assert not is_valid(name)


def test_names_are_shown_short_and_harmless() -> None:
    assert replies.shown("a\x1b[2Jb") == "a?[2Jb"
    assert replies.shown("n" * 100) == "n" * 77 + "..."
    assert len(replies.shown("é" * 100).encode()) <= 80


def test_of_several_spaces_one_is_said() -> None:
    assert replies.BAD_NAME(name="a  b").text == "Invalid script name `a b'."


@pytest.mark.parametrize(
    ("parts", "kinds"),
    [
        ((b"NOOP",), []),
        ((b'X "a"  b',), [Kind.QUOTED, Kind.ATOM]),
        ((b"X ", Literal(b"abc"), b" 12"), [Kind.LITERAL, Kind.ATOM]),
        ((b'X "a',), [Kind.ERROR]),
        ((b'X ok (x) "y"',), [Kind.ATOM, Kind.ERROR]),
        ((b"X {999999999999999999999+}",), [Kind.ERROR]),
    ],
)
def test_lines(parts: tuple[bytes, ...], kinds: list[Kind]) -> None:
    assert [one.kind for one in parsing.read(parts).arguments] == kinds


def test_wordings_are_responses() -> None:
    with pytest.raises(ValueError, match="nothing"):
        replies.Wording("nothing")
    assert replies.catalogue()["NOOP"].text == "NOOP Completed"


def test_two_sessions_see_each_others_scripts() -> None:
    dovecot = sieve()

    async def both() -> list[str]:
        await dovecot.conversation(LOGIN, put("un", "keep;"))
        return (await dovecot.conversation(LOGIN, "LISTSCRIPTS")).lines

    assert '"un"' in asyncio.run(both())
