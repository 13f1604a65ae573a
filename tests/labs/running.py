"""A notebook of labs/src, run in a kernel of its own."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "labs" / "src"
LABS = sorted(path.name for path in (SOURCES / "en").glob("*.ipynb"))
LANGUAGES = ("en", "fr")

EXERCISE = re.compile(r"exercise-(\d+)-(begin|solve|check|end)")


def notebook(name: str, lang: str = "en") -> NotebookNode:
    read: NotebookNode = nbformat.read(SOURCES / lang / name, as_version=4)
    return read


def code_cells(name: str, lang: str = "en") -> list[NotebookNode]:
    return [cell for cell in notebook(name, lang).cells if cell.cell_type == "code"]


def run(cells: list[NotebookNode], lang: str, home: Path, **environment: str) -> list[NotebookNode]:
    """The cells with the outputs that a fresh kernel gives, errors among them."""
    made = nbformat.v4.new_notebook(cells=[copy.deepcopy(cell) for cell in cells])
    client = NotebookClient(
        made,
        timeout=300,
        allow_errors=True,
        store_widget_state=False,
        resources={"metadata": {"path": str(SOURCES / lang)}},
    )
    client.execute(env=_environment(home, environment))
    done: list[NotebookNode] = made.cells
    return done


def _environment(home: Path, given: Mapping[str, str]) -> dict[str, str]:
    unwanted = ("MAILSIM_LAB", "MAILSIM_LANG", "MAILSIM_SEED")
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "MAILSIM_HOME": str(home), "MAILSIM_STUDENT": "awa", **given}


def shown(cell: NotebookNode) -> str:
    """What the cell shows as text, an error as its name and sentence."""
    parts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            parts.append(output.text)
        elif output.output_type == "error":
            parts.append(f"{output.ename}: {output.evalue}")
        else:
            parts.append(output.data.get("text/plain", ""))
    return "\n".join(parts)


def has_error(cell: NotebookNode) -> bool:
    return any(output.output_type == "error" for output in cell.outputs)
