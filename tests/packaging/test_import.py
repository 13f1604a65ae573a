from __future__ import annotations

import subprocess
import sys

import pytest

import mailsim


def test_import_loads_nothing_but_the_package_itself() -> None:
    script = "import sys, mailsim; print([m for m in sys.modules if m.startswith('mailsim')])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['mailsim']"


@pytest.mark.parametrize("name", mailsim.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(mailsim, name) is not None
    assert name in dir(mailsim)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'mailsim' has no attribute 'smtpp'"):
        _ = mailsim.smtpp  # type: ignore[attr-defined]
