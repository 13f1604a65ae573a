"""Run the notebooks of labs/src and store their outputs, in a form that repeats.

What would not repeat, or would leave a cell uncompared, is refused: standard error, addresses
of objects, paths, ports, a cell that was not run, a hidden output.

`--check` writes nothing and fails when an output is not the stored one: every MIME type to the
byte, of every cell, where nbval passes over errors' texts, pictures and cells stored without a run.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Final

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

SOURCES: Final = Path(__file__).resolve().parent.parent / "labs" / "src"
KERNEL: Final = {"display_name": "Python 3", "language": "python", "name": "python3"}
SEED: Final = "mailsim"
IGNORED: Final = "nbval-ignore-output"
"""The tag of a cell whose outputs no two machines have alike, a picture or a widget: none are stored."""
UNSTABLE: Final = {
    "the address of an object": re.compile(r"\b0x[0-9a-f]{6,}"),
    "a path of this machine": re.compile(r"(?<![\w/])/(?:home|tmp|usr|[U]sers|[r]oot|[w]ork)/"),
    "a port": re.compile(r"127\.0\.0\.1:\d+|\bport [1-9]\d{4}\b"),
}


def run(path: Path) -> NotebookNode:
    """The notebook at `path`, run from its own folder, with outputs that repeat."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=60,
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        if IGNORED in cell.metadata.get("tags", []):
            cell.outputs = []
        for output in cell.get("outputs", []):
            _settle(output)
    return notebook


def _settle(output: NotebookNode) -> None:
    if output.output_type == "error":
        output.traceback = []
    if "data" in output:
        output.data = NotebookNode(sorted(output.data.items()))


def complaints(notebook: NotebookNode) -> list[str]:
    """What in the stored outputs would not repeat, one line each."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        outputs = nbformat.writes(nbformat.v4.new_notebook(cells=[cell]))
        found += [f"{cell.id}: {what}" for what, sign in UNSTABLE.items() if sign.search(outputs)]
        if cell.execution_count is None:
            found.append(f"{cell.id}: not run")
        if cell.source.rstrip().endswith(";"):
            found.append(f"{cell.id}: a semicolon hides nothing here, assign to _")
        if any(output.get("name") == "stderr" for output in cell.outputs):
            found.append(f"{cell.id}: something was written to standard error")
    return found


def main(names: list[str], *, check: bool) -> None:
    """Store every notebook whose outputs changed, or with `check` name it; `names` begins theirs.

    Exit 1 when one has something to refuse, or differs under `check`.
    """
    with tempfile.TemporaryDirectory(prefix="mailsim-") as home:
        os.environ.update(environment(home))
        refused = [line for path in chosen(names) for line in _stored(path, check=check)]
    if refused:
        sys.exit("\n".join(refused))


def environment(home: str) -> dict[str, str]:
    """What the kernels are to find, before they start: nothing of the day, the user, the machine.

    `labs/src/conftest.py` gives the same to nbval (it imports nothing from here).
    """
    # The language is that of the mailsim.toml beside each notebook; no lab of the user's is met.
    for name in ("MAILSIM_LANG", "MAILSIM_LAB"):
        os.environ.pop(name, None)
    return {
        "MAILSIM_HOME": home,
        "MAILSIM_SEED": SEED,
        "MAILSIM_STUDENT": "labs",
        "SOURCE_DATE_EPOCH": "0",
    }


def chosen(names: list[str]) -> list[Path]:
    """The notebooks whose names ("en/00_…") begin with one of `names`, all where there are none."""
    every = sorted(SOURCES.glob("*/*.ipynb"))
    return [one for one in every if not names or _name(one).startswith(tuple(names))]


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _stored(path: Path, *, check: bool) -> list[str]:
    """Run it, store it where it changed; what is to refuse."""
    name = _name(path)
    stored, notebook = path.read_text(encoding="utf-8"), run(path)
    refused = [f"{name} {line}" for line in complaints(notebook)]
    text = f"{nbformat.writes(notebook)}\n"
    if check:
        refused += [f"{name} {line}" for line in differences(stored, notebook)]
    elif text != stored:
        path.write_text(text, encoding="utf-8", newline="\n")
    return refused


def differences(stored: str, notebook: NotebookNode) -> list[str]:
    """The cells whose outputs are not the stored ones, one line each."""
    before = {cell.id: cell.get("outputs") for cell in nbformat.reads(stored, 4).cells}
    return [
        f"{cell.id}: other outputs than those stored; if they are right: make labs"
        for cell in notebook.cells
        if before[cell.id] != cell.get("outputs")
    ]


if __name__ == "__main__":
    given = sys.argv[1:]
    main([one for one in given if one != "--check"], check="--check" in given)
