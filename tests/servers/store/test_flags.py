from __future__ import annotations

from mailsim.servers.store.flags import (
    SYSTEM_FLAGS,
    columns,
    flag_set,
    in_order,
    known_flags,
)


def test_a_row_is_the_same_whatever_the_order_of_the_flags() -> None:
    assert columns(("z", "\\Draft", "a", "\\Answered", "M")) == (17, "M a z")
    assert columns(frozenset({"a", "z", "M", "\\Answered", "\\Draft"})) == (17, "M a z")
    assert columns(()) == (0, "")


def test_a_row_gives_its_flags_back() -> None:
    for flags in (frozenset(SYSTEM_FLAGS), frozenset({"a", "\\Seen"}), frozenset[str]()):
        assert flag_set(*columns(flags)) == flags


def test_flags_are_written_in_order() -> None:
    given = {"b", "\\Seen", "a", "\\Answered"}
    assert in_order(given, ("b", "a", "c")) == ("\\Answered", "\\Seen", "b", "a")


def test_what_is_known_stays_as_it_is_spelt() -> None:
    flags, line = known_flags(("WORK", "new", "New", "\\ANSWERED", "\\Recent", "\\X"), ("Work",))
    assert flags == {"Work", "new", "\\Answered"}
    assert line == "Work new"
