"""Which language to speak, and the catalogue of messages in each.

Messages are ids with parameters and are worded only when shown, so that an
error raised in one place can be read in French in a notebook and in English in
a test.  The order in which the language is found: the argument, MAILSIM_LANG,
the nearest mailsim.toml, the locale, English.
"""

from __future__ import annotations

import json
import os
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

LANGUAGES: Final = ("en", "fr")
DEFAULT: Final = "en"


def language(choice: str | None = None) -> str:
    """Return "en" or "fr": `choice` if given, else what the surroundings say.

    Raises ValueError for a choice that is neither.
    """
    if choice is not None:
        if choice not in LANGUAGES:
            raise ValueError(word("language.unknown", "en", choice=choice))
        return choice
    for found in (os.environ.get("MAILSIM_LANG"), _from_toml(Path.cwd()), _from_locale()):
        if found and found[:2].lower() in LANGUAGES:
            return found[:2].lower()
    return DEFAULT


def word(message_id: str, lang: str | None = None, /, **params: object) -> str:
    """The message `message_id` ("area.name") worded in `lang`, its {parameters} filled in."""
    area, _, _ = message_id.partition(".")
    return _catalogue(area)[message_id][lang or language()].format(**params)


@cache
def _catalogue(area: str) -> dict[str, dict[str, str]]:
    text = files("mailsim").joinpath("messages", f"{area}.json").read_text(encoding="utf-8")
    catalogue: dict[str, dict[str, str]] = json.loads(text)
    return catalogue


@cache
def _from_toml(start: Path) -> str | None:
    for folder in (start, *start.parents):
        config = folder / "mailsim.toml"
        if config.is_file():
            try:
                found = tomllib.loads(config.read_text(encoding="utf-8")).get("language")
            except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
                return None
            return found if isinstance(found, str) else None
    return None


def _from_locale() -> str | None:
    # POSIX order of precedence: LC_ALL, then the category, then LANG.
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return value
    return _from_system()


@cache
def _from_system() -> str | None:
    import locale  # noqa: PLC0415 - 2 ms that only Windows and macOS need

    return locale.getlocale()[0]
