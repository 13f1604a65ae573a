"""Build what the container tests start, both releases at once: `python tools/images.py mail tls`.

`all` stands for every stage.  MAILSIM_TEST_HOME is the labs' home, whose authority is in the images.
Where no engine answers it says so and does nothing.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from mailsim.errors import LabError
from mailsim.lab.container.buildlog import BuildLog
from mailsim.lab.container.engine import Engine, lab_engine
from mailsim.lab.container.images import image
from mailsim.lab.container.provision import authority
from mailsim.lab.rundir import home
from mailsim.model.stage import Release, Stage

RELEASES = (Release.BOOKWORM, Release.TRIXIE)


def main(names: list[str]) -> int:
    """Build, and say how long each took."""
    if kept := os.environ.get("MAILSIM_TEST_HOME"):
        os.environ["MAILSIM_HOME"] = kept
    stages = list(Stage) if names == ["all"] else [Stage.of(one) for one in names]
    try:
        engine = lab_engine()
    except LabError as error:
        print(f"Containers: left out. {error}")
        return 0
    authority()  # made once, before two look for it
    with ThreadPoolExecutor(len(RELEASES)) as builders:
        for done in [builders.submit(build, engine, one, stages) for one in RELEASES]:
            done.result()
    return 0


def build(engine: Engine, release: Release, stages: list[Stage]) -> None:
    """A release's images, one after the other: they share all but the last layer."""
    for stage in stages:
        begun = time.monotonic()
        log = BuildLog(home() / f"build-{release.value}.log", lambda _: None)
        try:
            image(engine, release, stage, log)
        finally:
            log.close()
        print(f"{release.value} {stage.value}: {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LabError as error:
        sys.exit(str(error))
