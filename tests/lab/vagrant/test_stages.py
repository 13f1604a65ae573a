"""A stage's files, kept at a box's build and put in place on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailsim.lab.vagrant import stages

# What the roles do, in a few words: a stage changes, adds, removes, links and protects.
_ROLES = """
cd "$ROOT"
case $1 in
  mail) echo mail > etc/main.cf; mkdir -p srv/peers; echo box > srv/peers/one; ln -sf ../a etc/link ;;
  tls) echo tls > etc/main.cf; chmod 600 etc/key; rm etc/clear; mkdir -p etc/ssl; echo c > etc/ssl/ca
       rm etc/link; mkdir etc/link; echo d > etc/link/deep ;;
esac
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with both stages kept, and tls in place, as the last that the roles ran for."""
    made = tmp_path / "root"
    for folder in ("etc", "srv", "proc", "usr/lib/mailsim"):
        (made / folder).mkdir(parents=True)
    for name, text in {"main.cf": "", "key": "k", "clear": "c", "link": "l", "same": "s"}.items():
        (made / "etc" / name).write_text(text)
    (made / "proc" / "running").write_text("1")
    monkeypatch.setenv("ROOT", str(made))
    stages.keep(made, _ROLES, ["mail", "tls"])
    return made


def state(root: Path) -> dict[str, tuple[int, str]]:
    found = {}
    for path, entry in stages.index(root).items():
        there = root / path
        plain = there.is_file() and not there.is_symlink()
        found[path] = (entry[0], there.read_text() if plain else entry[5])
    return found


def test_each_stage_is_put_in_place_from_the_other(root: Path) -> None:
    tls = state(root)
    stages.apply("mail", root)
    mail = state(root)
    assert mail["etc/main.cf"][1] == "mail\n"
    assert mail["etc/link"][1] == "../a"
    assert mail["etc/clear"][1] == "c"
    assert "etc/ssl/ca" not in mail

    stages.apply("tls", root)
    assert state(root) == tls
    assert "etc/clear" not in tls
    assert tls["etc/key"][0] & 0o777 == 0o600
    assert tls["etc/link/deep"][1] == "d\n"

    stages.apply("mail", root)
    assert state(root) == mail


def test_what_was_damaged_of_a_stage_is_whole_again(root: Path) -> None:
    tls = state(root)
    (root / "etc/main.cf").write_text("broken")
    (root / "etc/ssl/ca").unlink()
    stages.apply("tls", root)
    assert state(root) == tls


def test_what_no_stage_changes_is_left_alone(root: Path) -> None:
    (root / "etc/same").write_text("mine")
    (root / "home").mkdir()
    stages.apply("mail", root)
    assert (root / "etc/same").read_text() == "mine"
    assert (root / "proc/running").read_text() == "1"
    assert not (root.with_name("root.base")).exists()


def test_only_what_a_stage_starts_is_stopped(root: Path) -> None:
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    roles = """
      cd "$ROOT/etc/systemd/system/multi-user.target.wants"
      case $1 in dns) ln -s /x/named.service .;; mail) rm -f ssh.service; ln -s /x/dovecot.service . ;; esac
    """
    (wants / "ssh.service").symlink_to("/x/ssh.service")
    (wants / "rsyslog.service").symlink_to("/x/rsyslog.service")
    for one in (root / stages.KEPT).iterdir():
        one.unlink()
    (root / stages.KEPT).rmdir()
    stages.keep(root, roles, ["dns", "mail"])
    assert stages.units(root) == ["dovecot.service", "named.service", "ssh.service"]
