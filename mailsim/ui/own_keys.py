"""A box whose controls keep their keys, JupyterLab's shortcuts notwithstanding."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Final

import anywidget
import ipywidgets
import traitlets

_STATIC: Final = files("mailsim.ui").joinpath("static")
WIDE: Final = {"width": "auto"}
"""A control as wide as what it holds."""


class OwnKeys(anywidget.AnyWidget):
    """Is not seen; keeps for the box that it stands in the keys that are pressed there."""

    _esm = _STATIC.joinpath("own_keys.js").read_text(encoding="utf-8")
    _css = _STATIC.joinpath("box.css").read_text(encoding="utf-8")

    label = traitlets.Unicode().tag(sync=True)


def box(label: str, children: Sequence[ipywidgets.Widget]) -> ipywidgets.VBox:
    """The controls, one below the other, with a name for screen readers."""
    made = ipywidgets.VBox([*children, OwnKeys(label=label)])
    made.add_class("mailsim-box")
    return made


def row(*children: ipywidgets.Widget) -> ipywidgets.HBox:
    """Controls side by side, in several lines where the window is narrow."""
    return ipywidgets.HBox(list(children), layout={"flex_flow": "row wrap"})
