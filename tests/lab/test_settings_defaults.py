"""What the roles do not set is left to Postfix and Dovecot: their defaults are the simulator's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

from mailsim.model.stage import Release, Stage
from tests.lab.test_settings_simulated import DOVECOT, Place, default_of, of_postfix, yes
from tests.packaging.rendering import program


def _said(*command: str) -> dict[str, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = (line.partition("=") for line in done.stdout.splitlines() if "=" in line)
    return {name.strip(): text.strip() for name, _, text in rows}


_UNITS: Final = {"": 1, "s": 1, "h": 3600, "d": 86_400}


def _number(text: str) -> int | None:
    """A number or a time; where it depends on stress, without."""
    calm = re.sub(r"\$\{stress\?\{\d+\}:\{(\d+)\}\}", r"\1", text)
    found = re.fullmatch(r"(\d+)([shd]?)", calm)
    return int(found[1]) * _UNITS[found[2]] if found else None


def test_what_the_roles_do_not_set_is_postfixsdefault_of(tmp_path: Path) -> None:
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")
    default = _said(program("postconf"), "-c", str(tmp_path), "-d")
    whole = Place(Stage.SIEVE, Release.BOOKWORM)
    written = {one.name for one in whole.settings.file("/etc/postfix/main.cf")}
    for name in set(of_postfix()) - written - {"smtpd_forbid_unauth_pipelining"}:
        has = default_of(name)
        number = _number(default[name])
        if number is not None:
            assert number == has, name
        elif isinstance(has, tuple):
            assert tuple(one for one in re.split(r"[,\s]+", default[name]) if one) == has, name
        elif name != "smtpd_sender_login_maps":
            assert default[name] == (yes(on=has) if isinstance(has, bool) else str(has)), name


def test_what_the_roles_do_not_set_is_dovecotsdefault_of() -> None:
    default = _said(program("doveconf"), "-d")
    for one in (one for one in DOVECOT.values() if one.default):
        assert default[one.names[0]] == one.default
