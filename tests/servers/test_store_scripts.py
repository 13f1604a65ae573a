from __future__ import annotations

from pathlib import Path

import pytest

from mailsim.servers.store import Store, StoredScript


@pytest.fixture
def store() -> Store:
    made = Store(None)
    made.put_script("user", "un", b"keep;")
    made.put_script("user", "deux", b"discard;")
    return made


def test_scripts_by_name(store: Store) -> None:
    assert store.scripts("user") == (
        StoredScript("deux", 8, active=False),
        StoredScript("un", 5, active=False),
    )
    assert store.script("user", "un") == b"keep;"
    assert store.script("user", "trois") is None
    assert store.script("cheikh", "un") is None


def test_one_is_active_at_most(store: Store) -> None:
    store.put_script("cheikh", "un", b"stop;")
    store.activate_script("cheikh", "un")
    for name in ("un", "deux"):
        store.activate_script("user", name)
        assert [one.name for one in store.scripts("user") if one.active] == [name]
    store.activate_script("user", "")
    assert store.active_script("user") is None
    assert store.active_script("cheikh") == ("un", b"stop;")


def test_a_script_stays_active_under_another_text_and_name(store: Store) -> None:
    store.activate_script("user", "un")
    store.put_script("user", "un", b"stop;")
    store.rename_script("user", "un", "trois")
    assert store.active_script("user") == ("trois", b"stop;")


def test_deleted(store: Store) -> None:
    store.delete_script("user", "un")
    assert [one.name for one in store.scripts("user")] == ["deux"]


def test_a_step_that_fails_changes_nothing(store: Store) -> None:
    before = store.script_state()

    def fail() -> None:
        with store.step():
            store.put_script("user", "un", b"stop;")
            store.activate_script("user", "un")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.script_state() == before


def test_the_fingerprint_sees_name_text_and_what_is_active(store: Store) -> None:
    seen = [store.script_state()]
    store.put_script("user", "un", b"stop;")
    seen.append(store.script_state())
    store.activate_script("user", "un")
    seen.append(store.script_state())
    store.rename_script("user", "un", "trois")
    seen.append(store.script_state())
    store.delete_script("user", "trois")
    seen.append(store.script_state())
    assert len({repr(one) for one in seen}) == 5


def test_a_folder_keeps_them_and_a_reset_does_not(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put_script("user", "un", b"keep;")
    store.close()
    store = Store(tmp_path)
    assert store.script("user", "un") == b"keep;"
    store.clear()
    assert store.scripts("user") == ()
    store.close()
