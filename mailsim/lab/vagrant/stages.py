"""Keeps what each stage changes in a machine's files, and puts it in place.  Python's own library alone.

    python3 stages.py keep ROOT COMMAND STAGE …   at a box's build: run the roles for each stage in ROOT
    python3 stages.py apply STAGE                 on the machine: as if the roles had run for that stage

The roles take seconds at a box's build and many minutes on a machine whose every instruction is
translated.  /usr/lib/mailsim/stages then holds base.tar.gz, the files as they were before any stage
wherever one changes them, STAGE.tar.gz, the files that a stage has otherwise, and index.json.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

KEPT = Path("usr/lib/mailsim/stages")
# No part of a machine's state: what runs, what is scratch, what the roles themselves are.
_ELSEWHERE = frozenset(
    {"proc", "sys", "dev", "run", "tmp", "var/tmp", "var/cache", "usr/lib/mailsim"}
)
_OWN = frozenset({"etc/machine-id"})

Entry = tuple[int, int, int, int, int, str]
Index = dict[str, Entry]


def index(root: Path) -> Index:
    """Each path below `root`: mode, owner, group, size, time and target; those of _ELSEWHERE not."""
    found: Index = {}
    for folder, folders, names in os.walk(root):
        here = os.path.relpath(folder, root)
        prefix = "" if here == "." else f"{here}/"
        folders[:] = sorted(one for one in folders if f"{prefix}{one}" not in _ELSEWHERE)
        for name in [*folders, *names]:
            if f"{prefix}{name}" not in _OWN:
                found[f"{prefix}{name}"] = _entry(Path(folder, name))
    return found


def _entry(path: Path) -> Entry:
    met = path.lstat()
    if stat.S_ISLNK(met.st_mode):
        return met.st_mode, met.st_uid, met.st_gid, 0, 0, str(path.readlink())
    if stat.S_ISDIR(met.st_mode):
        return met.st_mode, met.st_uid, met.st_gid, 0, 0, ""
    return met.st_mode, met.st_uid, met.st_gid, met.st_size, met.st_mtime_ns, ""


def keep(root: Path, command: str, stages: Iterable[str]) -> None:
    """Run `command` with each stage in $1, in their order, and keep what came of it in `root`."""
    base = root.with_name(root.name + ".base")
    _run("cp", "-a", str(root), str(base))
    before = index(base)
    kept = root / KEPT
    kept.mkdir(parents=True)
    changes: dict[str, dict[str, list[str]]] = {}
    try:
        for stage in stages:
            _run("sh", "-c", command, "roles", stage)
            changes[stage] = _changes(before, index(root))
            _pack(kept / f"{stage}.tar.gz", root, changes[stage]["has"])
        touched = {path for one in changes.values() for path in (*one["has"], *one["lost"])}
        _pack(kept / "base.tar.gz", base, sorted(touched & before.keys()))
    finally:
        shutil.rmtree(base)
    added = sorted(touched - before.keys())
    (kept / "index.json").write_text(json.dumps({"added": added, "stages": changes}))
    shutil.copyfile(__file__, kept / "stages.py")


def _changes(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> dict[str, list[str]]:
    """What a stage has otherwise, folders before what is in them, and what it has no more."""
    return {
        "has": sorted(path for path, entry in after.items() if before.get(path) != entry),
        "lost": sorted(before.keys() - after.keys()),
    }


def _pack(archive: Path, root: Path, paths: Iterable[str]) -> None:
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for path in paths:
            tar.add(root / path, arcname=path, recursive=False)


def apply(stage: str, root: Path = Path("/")) -> None:
    """Make the files below `root` the stage's."""
    kept = root / KEPT
    about: dict[str, Any] = json.loads((kept / "index.json").read_text())
    wanted = about["stages"][stage]
    has = set(wanted["has"])
    # What is deeper goes first.
    _remove(root, (path for path in reversed(about["added"]) if path not in has))
    _unpack(kept / "base.tar.gz", root)
    _unpack(kept / f"{stage}.tar.gz", root)
    _remove(root, reversed(wanted["lost"]))


def _remove(root: Path, paths: Iterable[str]) -> None:
    for path in paths:
        there = root / path
        if there.is_dir() and not there.is_symlink():
            # What the machine itself has put there since goes too: it was the later stage's.
            shutil.rmtree(there)
        elif os.path.lexists(there):
            there.unlink()


def _unpack(archive: Path, root: Path) -> None:
    with tarfile.open(archive) as tar:
        for member in tar:
            there = root / member.name
            if not (member.isdir() and there.is_dir() and not there.is_symlink()):
                _remove(root, [member.name])
            tar.extract(member, root, numeric_owner=True)


def units(root: Path = Path("/")) -> list[str]:
    """What some stage starts and another does not: none of it runs while its files change."""
    about = json.loads((root / KEPT / "index.json").read_text())
    every = {path for one in about["stages"].values() for path in (*one["has"], *one["lost"])}
    return sorted({Path(path).name for path in every if _is_start(path)})


def _is_start(path: str) -> bool:
    return ".wants/" in path and path.endswith((".service", ".socket"))


def switch(stage: str) -> None:
    """Put the stage in place on the machine that this is, and start what it starts."""
    before = units()
    # Instances of a template (postfix@-) are stopped with what they belong to.
    _systemctl("stop", *before)
    apply(stage)
    _run("hostname", "--file", "/etc/hostname")
    _systemctl("daemon-reload")
    _systemctl("restart", "systemd-journald", "rsyslog", "nftables")
    _systemctl("restart", "mailsim-addresses", "mailsim-workstation")
    _systemctl("start", "multi-user.target")


def _systemctl(*words: str) -> None:
    _run("systemctl", *words)


def _run(*words: str) -> None:
    subprocess.run(words, check=True)  # noqa: S603 - no shell; the words are ours


def main(words: list[str]) -> None:
    """Either of the two commands."""
    if words[0] == "keep":
        keep(Path(words[1]), words[2], words[3:])
    else:
        switch(words[1])


if __name__ == "__main__":
    main(sys.argv[1:])
