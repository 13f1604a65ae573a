"""A lab in a process of its own, for the tests of what may be done to it.

The settings that it changes are the first argument, as JSON.  It prints what `mailsim up --json`
would, with the settings of the control port, and runs until its standard input ends.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

from mailsim.lab.running import Running


def main(settings: dict[str, Any]) -> None:
    running = Running("default")
    world = running.site.world
    world.config = replace(world.config, **settings)
    print(json.dumps(running.site.describe()), flush=True)  # noqa: T201 - whoever started it reads it
    sys.stdin.read()
    running.stop()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
