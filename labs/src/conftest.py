"""For nbval: kernels find what `tools/store_labs.py` gave them when the outputs were stored."""
# ruff: noqa: INP001 - a folder of notebooks, no package

from __future__ import annotations

import os
import tempfile

_HOME = tempfile.TemporaryDirectory(prefix="mailsim-")  # until the process ends

for _name in ("MAILSIM_LANG", "MAILSIM_LAB"):
    os.environ.pop(_name, None)
os.environ.update(
    MAILSIM_HOME=_HOME.name,
    MAILSIM_SEED="mailsim",
    MAILSIM_STUDENT="labs",
    SOURCE_DATE_EPOCH="0",
)
