"""What all of them are: an object that shows its widget in a notebook, and text elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from mailsim.errors import LabError, MailsimError
from mailsim.language import language, word


class Shown(ABC):
    """Shows `widget`; its text is the same however often the notebook is run."""

    widget: Any

    def __init__(self, lang: str | None) -> None:
        self.lang = language(lang)
        for needed in ("ipywidgets", "anywidget"):
            if find_spec(needed) is None:
                raise LabError("ui.not-installed", package=needed)

    @property
    @abstractmethod
    def text(self) -> str:
        """What it shows now, as text."""

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        made = self.widget._repr_mimebundle_()
        # ipywidgets gives the bundle, anywidget the bundle and its metadata.
        bundle: dict[str, Any] = made[0] if isinstance(made, tuple) else made
        return {**bundle, "text/plain": self.text}

    def close(self) -> None:
        """Take it away; the notebook shows it no longer."""
        self.widget.close()


@contextmanager
def telling(tell: Callable[[str], None], lang: str) -> Iterator[None]:
    """Tell in a sentence what goes wrong in a callback: a notebook shows none of its tracebacks."""
    try:
        yield
    except MailsimError as error:
        tell(error.worded(lang))
    except Exception as error:  # noqa: BLE001 - it would vanish without a word
        tell(word("ui.failed", lang, reason=f"{type(error).__name__}: {error}"))
