"""A student's slips in a notebook, told in a sentence: cells out of order, a kernel started anew.

Python would show a traceback for a name that the notebook has not made yet.  `mailsim lab` has
each kernel run `startup.py`, which calls `watch`; `Exercises` does so for kernels started
elsewhere.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from mailsim.errors import UsageError


def watch() -> None:
    """Have IPython tell a NameError of the notebook's own cells in a sentence.

    Does nothing where there is no IPython.
    """
    module = sys.modules.get("IPython")  # who runs in it has it; nobody else is to load it
    shell = None if module is None else module.get_ipython()
    if shell is not None:
        shell.set_custom_exc((NameError,), _told)


def _told(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
    tb_offset: int | None = None,
) -> None:
    """IPython's handler: `shell` is the one that ran the cell."""
    name = getattr(error, "name", None)
    if not name or not _of_a_cell(shell, trace):
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return
    told = UsageError("mistakes.unknown-name", name=name)
    shell._showtraceback(kind, told, told._render_traceback_())  # noqa: SLF001 - IPython's own end of showtraceback


def _of_a_cell(shell: Any, trace: TracebackType | None) -> bool:
    """Whether the name was missing in what the student wrote, not in a library."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals is shell.user_global_ns
