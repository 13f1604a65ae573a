"""What does not start or cannot be built: what is said of it, exit code 1, and nothing left."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailsim.cli.main import main
from mailsim.lab.container import images, provision, site
from mailsim.lab.container.buildlog import BuildLog
from mailsim.lab.container.engine import Engine, find_engine
from mailsim.lab.container.running import own_name
from mailsim.model.stage import Release, Stage

RELEASE = Release.BOOKWORM

pytestmark = [pytest.mark.container, pytest.mark.timeout(1800)]
UP = ("up", "--backend", "container", "--release", RELEASE.value, "--name", "ctr-bad")
# What is done to the image, the service that then does not answer, and what its log says.
BROKEN = {
    "dovecot": ("echo 'protocols = smoke' >> /etc/dovecot/dovecot.conf", "pop3", "smoke"),
    "named": ("echo 'options { smoke; };' >> /etc/bind/named.conf", "dns", "redefined"),
    "apache": ("echo 'Smoke on' >> /etc/apache2/apache2.conf", "webmail", "Smoke"),
}


@pytest.fixture(autouse=True)
def _home(real_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILSIM_HOME", str(real_home))


@pytest.fixture
def spoilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """`spoilt(COMMAND)`: the images that labs start from have been changed by it."""
    made: list[str] = []

    def spoil(command: str) -> None:
        recipe = tmp_path / "containerfile"

        def derived(engine: Engine, *about: object) -> str:
            tag = images.image(engine, *about)  # type: ignore[arg-type]
            recipe.write_text(f"FROM {tag}\nRUN {command}\n", encoding="utf-8")
            words = ("build", "--tag", "localhost/mailsim/spoilt", "--format", "docker")
            engine.run(*words, "--network", "none", "--file", str(recipe), str(tmp_path))
            made.append("localhost/mailsim/spoilt")
            return made[-1]

        monkeypatch.setattr(site, "image", derived)

    yield spoil
    for tag in made:
        find_engine().run("rmi", tag, check=False)


@pytest.mark.parametrize("name", BROKEN)
def test_a_service_that_does_not_start_is_named_with_its_last_lines(
    name: str, spoilt: Callable[[str], None], capsys: pytest.CaptureFixture[str], real_home: Path
) -> None:
    command, service, complaint = BROKEN[name]
    spoilt(command)
    assert main([*UP, "--stage", "mail"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"{service} does not answer: its unit" in said
    assert re.search(complaint, said), said
    assert "--stage dns" in said
    journal = real_home / "run" / "ctr-bad" / "build.log"
    assert str(journal) in said
    assert "Failed to start" in journal.read_text(encoding="utf-8")
    _nothing_left()


def test_a_build_that_fails_says_role_and_task_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    roles = tmp_path / "provision"
    shutil.copytree(provision.roles(), roles)
    tasks = roles / "roles/dns/tasks/main.yml"
    broken = (
        "---\n- name: Ensure that it fails\n  ansible.builtin.command: sh -c 'echo smoke; exit 3'\n"
    )
    tasks.write_text(broken, encoding="utf-8")
    monkeypatch.setattr(provision, "roles", lambda: roles)
    before = _images()
    assert main([*UP, "--stage", "dns"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "“dns : Ensure that it fails” failed" in said
    assert "build.log" in said
    assert _images() == before
    _nothing_left()


def test_an_image_that_is_there_is_not_built_again(tmp_path: Path, real_home: Path) -> None:
    del real_home
    engine, steps = find_engine(), list[str]()
    log = BuildLog(tmp_path / "log", steps.append)
    first = images.image(engine, RELEASE, Stage.MAIL, log)
    steps.clear()
    assert images.image(engine, RELEASE, Stage.MAIL, log) == first
    assert steps == []
    log.close()


def _images() -> list[str]:
    """All that are here, unnamed ones too, but for what the other worker builds."""
    words = ("images", "--all", "--format", "{{.ID}} {{.Repository}}")
    lines = find_engine().run(*words).stdout.decode().splitlines()
    return sorted(one for one in lines if Release.TRIXIE.value not in one)


def _nothing_left() -> None:
    engine = find_engine()
    names = engine.run("ps", "--all", "--format", "{{.Names}}").stdout.decode().split()
    assert own_name("ctr-bad") not in names
    assert not Path("/run/netns", own_name("ctr-bad")).exists()
    processes = subprocess.run(["ps", "-e", "-o", "args"], check=True, stdout=subprocess.PIPE)
    assert own_name("ctr-bad") not in processes.stdout.decode()
