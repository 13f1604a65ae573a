"""The real system in containers: how long it takes to build, to start, to go back; what it holds.

Skipped where no engine answers, or without root.  MAILSIM_TEST_HOME keeps the images' authority
between runs, MAILSIM_TEST_RELEASES names the releases.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import median

import pytest

from mailsim import Lab
from mailsim.lab.container.buildlog import BuildLog
from mailsim.lab.container.engine import Engine, engine_there, is_root
from mailsim.lab.container.images import image, play, play_variables
from mailsim.lab.container.rootfs import own_tag
from mailsim.model.stage import Release, Stage

pytestmark = [pytest.mark.perf, pytest.mark.container]

Report = Callable[..., None]

RUNS = 5
STACKS = 10
RELEASES = [
    Release.of(one) for one in os.environ.get("MAILSIM_TEST_RELEASES", "bookworm trixie").split()
]
MESSAGE = "From: secretaire@ugb.sn\nTo: user@minfo.sn\nSubject: one\n\nHello.\n"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    if engine_there() is None or not is_root():
        pytest.skip("no engine answers here, or this is not root on Linux")
    kept = Path(os.environ.get("MAILSIM_TEST_HOME") or tmp_path_factory.getbasetemp() / "labs")
    monkeypatch.setenv("MAILSIM_HOME", str(kept))
    monkeypatch.setenv("MAILSIM_LANG", "en")
    return kept


@pytest.fixture(params=RELEASES, ids=lambda one: one.value)
def release(request: pytest.FixtureRequest) -> Release:
    found: Release = request.param
    return found


@pytest.fixture
def lab(release: Release) -> Iterator[Lab]:
    """The complete system."""
    with _started(release, "bench") as made:
        yield made


def _started(release: Release, name: str) -> Lab:
    return Lab(backend="container", release=release, stage="sieve", seed=1, name=name)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def test_a_cold_build(
    release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: Report
) -> None:
    if shutil.which("podman") is None:
        pytest.skip("only podman has a store of one's own")
    storage = tmp_path / "storage.conf"
    places = f'graphroot = "{tmp_path}/root"\nrunroot = "{tmp_path}/run"\n'
    storage.write_text(f'[storage]\ndriver = "overlay"\n{places}', encoding="utf-8")
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(storage))
    engine, log = Engine("podman"), BuildLog(tmp_path / "build.log", lambda _: None)
    assert not engine.has_image(own_tag(release))
    took = _seconds(lambda: image(engine, release, Stage.SIEVE, log))
    log.close()
    root = engine.run("info", "--format", "{{.Store.GraphRoot}}").stdout.decode().strip()
    assert root == f"{tmp_path}/root"  # what is removed now is this test's
    engine.run("rmi", "--all", "--force")
    report(f"{release.value}: cold build of stage sieve", f"{took:.0f} s", "aim 600 s")


def test_up_until_all_services_answer(release: Release, report: Report) -> None:
    _started(release, "bench").close()  # builds what is missing
    found = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        with _started(release, "bench"):
            found.append(time.perf_counter() - begun)
    report(f"{release.value}: up, all services answer", f"{median(found):.1f} s", "aim 10 s")


def test_a_reset_to_a_stage(lab: Lab, release: Release, report: Report) -> None:
    lab.reset(stage="tls")  # builds what is missing
    found = []
    for _ in range(RUNS):
        found += [_seconds(lambda to=to: lab.reset(stage=to)) for to in ("sieve", "tls")]  # type: ignore[misc]
    report(f"{release.value}: reset to a stage", f"{median(found):.1f} s", "aim 10 s")


def test_a_reset_of_the_data_alone(lab: Lab, release: Release, report: Report) -> None:
    found = []
    for _ in range(RUNS):
        lab.wait(lab.deliver(MESSAGE), timeout=60)
        assert lab.mailboxes
        found.append(_seconds(lab.reset))
        assert not lab.mailboxes
    report(f"{release.value}: reset of the data alone", f"{median(found):.2f} s", "aim 0.5 s")


def test_memory_of_an_idle_stack(lab: Lab, release: Release, report: Report) -> None:
    held = _memory(lab)
    report(f"{release.value}: memory of an idle stack", f"{held:.0f} MiB", "aim 340 MiB")


def test_ten_stacks_side_by_side(release: Release, report: Report) -> None:
    with ExitStack() as labs:
        begun = time.perf_counter()
        all_of_them = [
            labs.enter_context(_started(release, f"bench-{number}")) for number in range(STACKS)
        ]
        took = time.perf_counter() - begun
        for number, one in enumerate(all_of_them):
            made = one.deliver(MESSAGE)
            assert one.wait(made, timeout=120), number
            assert len(one.mailboxes["user"]["INBOX"]) == 1
        held = sum(_memory(one) for one in all_of_them)
    report(f"{release.value}: {STACKS} stacks, each delivers", f"{held:.0f} MiB, {took:.0f} s")


def test_a_second_provisioning_run(lab: Lab, release: Release, report: Report) -> None:
    # With the lab's seed, from which its passwords are.
    told = {**play_variables(release, Stage.SIEVE), "mailsim_seed": lab.seed}
    variables = json.dumps(told)
    words = [one for one in lab._about.document["shell"][:-1] if one != "--tty"]
    # Images are of no seed: what depends on it is written by the first.
    subprocess.run([*words, *play(variables)], check=True, stdout=subprocess.PIPE)
    begun = time.perf_counter()
    done = subprocess.run([*words, *play(variables)], check=True, stdout=subprocess.PIPE)
    took = time.perf_counter() - begun
    changed = re.findall(r"changed=(\d+)", done.stdout.decode())
    report(f"{release.value}: a second provisioning run", f"{took:.0f} s, changed {changed[-1]}")
    assert changed[-1] == "0", re.findall(r"(?m)^changed: .*", done.stdout.decode())


def _memory(lab: Lab) -> float:
    """MiB of its processes, what they share told once (proc(5), Pss)."""
    about = lab._about.document
    words = (about["shell"][0], "inspect", "--format", "{{.State.Pid}}", about["container"])
    first = int(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
    space = Path(f"/proc/{first}/ns/pid").readlink()
    held = 0
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (one / "ns/pid").readlink() == space:
                found = re.search(
                    r"^Pss: +(\d+)", (one / "smaps_rollup").read_text("ascii"), re.MULTILINE
                )
                held += int(found[1]) if found else 0
    return held / 1024
