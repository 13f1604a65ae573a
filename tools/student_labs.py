"""Write labs/en and labs/fr, the students' copies, from labs/src: no solutions, no outputs, no teacher's sheets.

`--check` writes nothing and fails when a copy differs from what would be written.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import nbformat

LABS: Final = Path(__file__).resolve().parent.parent / "labs"
LANGUAGES: Final = ("en", "fr")
PLACEHOLDER: Final = "..."
SHEET: Final = ".teacher.md"
"""How the name of a sheet ends that is for the teacher alone."""


def student_copy(source: str) -> str:
    """The notebook `source` (its JSON text) as a student gets it."""
    notebook = nbformat.reads(source, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if "solution" in cell.metadata.get("tags", []):
            cell.source = PLACEHOLDER
            cell.metadata.tags.remove("solution")
    return f"{nbformat.writes(notebook)}\n"


def copies() -> dict[Path, str]:
    """Every file of labs/en and labs/fr, with the text that it is to have."""
    texts = {}
    for lang in LANGUAGES:
        for source in sorted((LABS / "src" / lang).iterdir()):
            text = source.read_text(encoding="utf-8")
            if source.suffix == ".ipynb":
                texts[LABS / lang / source.name] = student_copy(text)
            elif source.suffix in {".toml", ".md"} and not source.name.endswith(SHEET):
                texts[LABS / lang / source.name] = text
    return texts


def drifted(texts: dict[Path, str]) -> list[Path]:
    """The copies that differ from `texts`, are missing, or have no source any more."""
    standing = {path for lang in LANGUAGES for path in (LABS / lang).glob("*.*")}
    stale = {
        path
        for path, text in texts.items()
        if not path.is_file() or path.read_text("utf-8") != text
    }
    return sorted(stale | (standing - texts.keys()))


def main(*, check: bool) -> None:
    """Write the copies that drifted, or with `check` name them and exit 1."""
    texts = copies()
    stale = drifted(texts)
    if check and stale:
        sys.exit(f"Not what labs/src gives: {', '.join(map(str, stale))}. Run: make labs")
    for path in stale:
        if path not in texts:
            path.unlink()
            continue
        path.parent.mkdir(exist_ok=True)
        path.write_text(texts[path], encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(check="--check" in sys.argv[1:])
