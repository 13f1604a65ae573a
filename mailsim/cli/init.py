"""The library behind `mailsim init DIR`: lay down what a class works with."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mailsim.errors import UsageError
from mailsim.language import LANGUAGES, language, word

PACKAGE: Final = Path(__file__).resolve().parent.parent
CONFIG: Final = "mailsim.toml"
NETWORK: Final = "network.json"
NAMES: Final = ("Vagrantfile", "labs", "provision")


def lay_down(target: Path) -> tuple[Path, ...]:
    """Lay labs/, Vagrantfile, provision/ and mailsim.toml into the folder `target`.

    Makes the folder where it is missing; what else stands in it is left alone.
    Returns the four paths, sorted by name.

    Raises UsageError when `target` is a file, holds one of the names already,
    or cannot be written; then nothing was laid down.
    """
    _refuse_clashes(target)
    made = _first_missing(target)
    try:
        target.mkdir(parents=True, exist_ok=True)
        # Beside its final place, so that moving it there is a rename and cannot fail half way
        # for want of room.
        with tempfile.TemporaryDirectory(prefix=".mailsim-", dir=target) as stage:
            _fill(Path(stage))
            return _move(Path(stage), target)
    except OSError as error:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
        reason = error.strerror or str(error)
        raise UsageError("init.not-written", target=target, reason=reason) from error


def _refuse_clashes(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise UsageError("init.not-a-folder", target=target)
    clashes = [name for name in sorted((*NAMES, CONFIG)) if os.path.lexists(target / name)]
    if clashes:
        raise UsageError("init.clash", target=target, names=", ".join(clashes))


def _first_missing(target: Path) -> Path | None:
    """The topmost folder that `mkdir` will make: what to remove when nothing came of it."""
    missing = [folder for folder in (target, *target.parents) if not folder.exists()]
    return missing[-1] if missing else None


def _fill(stage: Path) -> None:
    for source, name in sources():
        if source.is_dir():
            shutil.copytree(source, stage / name, ignore=_ignored)
        else:
            shutil.copyfile(source, stage / name)
    # The roles read who exists: in a checkout from the package, which a class's folder has not.
    shutil.copyfile(PACKAGE / "lab" / NETWORK, stage / "provision" / NETWORK)
    config = f'{word("init.config")}\nlanguage = "{language()}"\n'
    (stage / CONFIG).write_text(config, encoding="utf-8")


def sources() -> Iterator[tuple[Path, str]]:
    """What to lay down, each with its path below the target.

    A wheel carries it in mailsim/_files; in a checkout it stands at the root.
    Of labs/ only the students' copies: the sources with the solutions stay behind.
    """
    carried = PACKAGE / "_files"
    root = carried if carried.is_dir() else PACKAGE.parent
    yield root / "Vagrantfile", "Vagrantfile"
    for lang in LANGUAGES:
        yield root / "labs" / lang, f"labs/{lang}"
    yield root / "provision", "provision"


_ignored = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")


def _move(stage: Path, target: Path) -> tuple[Path, ...]:
    """All of `stage` into `target`, or nothing of it."""
    made = tuple(target / source.name for source in sorted(stage.iterdir()))
    try:
        for path in made:
            (stage / path.name).rename(path)
    except OSError:
        for path in made:
            if not (stage / path.name).exists():
                path.rename(stage / path.name)
        raise
    return made
