"""docker's own words, by a program that writes down what it is asked: no docker runs here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mailsim.errors import LabError
from mailsim.lab.container import images
from mailsim.lab.container.buildlog import BuildLog
from mailsim.lab.container.engine import Engine
from mailsim.lab.container.server import Server
from mailsim.model.stage import Release, Stage

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")

# It knows the images that it has built or pulled, as files; a container's first process is 4242.
_DOCKER = """\
#!/bin/sh
cd "{folder}" && echo "$*" >> asked
last=$(for one; do :; done; echo "$one" | tr '/:' '__')
case "$1 $2" in
  "image inspect") test -e "image-$last" ;;
  "build "*) touch "image-$(echo "$3" | tr '/:' '__')" ;;
  "pull "*) touch "image-$last" ;;
  "inspect "*) echo 4242 ;;
  "logs "*) echo "exec /usr/lib/mailsim/start: no such file" >&2 ;;
esac
"""

Asked = Callable[[], list[str]]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lab_home: Path) -> Asked:
    """What docker has been asked so far, a line a call."""
    del lab_home
    folder = tmp_path / "docker"
    folder.mkdir()
    program = folder / "docker"
    program.write_text(_DOCKER.format(folder=folder), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr(images, "_LOCKS", tmp_path)
    return lambda: (folder / "asked").read_text(encoding="utf-8").splitlines()


def _image(folder: Path) -> str:
    log = BuildLog(folder / "log", lambda _: None)
    try:
        return images.image(Engine("docker"), Release.NOBLE, Stage.MAIL, log)
    finally:
        log.close()


def test_the_base_is_pulled_and_two_layers_are_built_on_it(tmp_path: Path, asked: Asked) -> None:
    tag = _image(tmp_path)
    assert tag.startswith("localhost/mailsim/noble-mail:")
    assert [one for one in asked() if one.startswith("pull")] == [
        "pull docker.io/library/ubuntu:24.04"
    ]
    packages, stage = [one for one in asked() if one.startswith("build")]
    assert "--build-arg BASE=docker.io/library/ubuntu:24.04 --network host" in packages
    assert "--build-arg BASE=localhost/mailsim/noble-packages:" in stage
    assert "--network none" in stage
    # docker has no other format, and no such switch.
    assert not any(word in packages + stage for word in ("--format", "--layers"))


def test_what_is_there_is_not_built_again(tmp_path: Path, asked: Asked) -> None:
    tag = _image(tmp_path)
    before = len(asked())
    assert _image(tmp_path) == tag
    assert not any(one.startswith(("build", "pull")) for one in asked()[before:])


def test_it_is_told_what_systemd_needs(asked: Asked) -> None:
    server = Server(Engine("docker"), "mailsim-x")
    server.begin("localhost/mailsim/noble-mail:1")
    assert server.pid == 4242
    (run,) = [one for one in asked() if one.startswith("run")]
    for words in ("--tmpfs=/run", "--cgroupns=host", "--network none", "--cap-add NET_ADMIN"):
        assert words in run
    assert "--systemd" not in run
    assert "--privileged" not in run
    server.end()
    assert asked()[-1] == "rm --force --volumes mailsim-x"


def test_a_container_that_ends_as_it_starts_is_told_with_its_last_lines(
    tmp_path: Path, asked: Asked
) -> None:
    program = tmp_path / "docker" / "docker"
    program.write_text(program.read_text("utf-8").replace("echo 4242", "echo 0"), encoding="utf-8")
    with pytest.raises(LabError, match="no such file") as caught:
        Server(Engine("docker"), "mailsim-x").begin("image")
    assert "docker info" in str(caught.value)
    assert any(one.startswith("logs") for one in asked())
