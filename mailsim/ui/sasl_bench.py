"""The base64 and SASL bench: change a letter, and bits, groups and token follow."""

from __future__ import annotations

from random import Random
from typing import Final

import ipywidgets

from mailsim import sasl
from mailsim.errors import MailsimError
from mailsim.language import word
from mailsim.ui import markup
from mailsim.ui.groups import HEADINGS, MOST, changed, group_rows
from mailsim.ui.own_keys import WIDE, box, row
from mailsim.ui.shown import Shown

# A login, a text, a token: what the bench works on.
LOGIN, TEXT, TOKEN = "login", "text", "token"
_SEED: Final = 1
_STYLE: Final = {"description_width": "initial"}


class Bench(Shown):
    """Every step of a login; a text in base64; a captured token, taken apart.

    The nonces are always the same, so that what differs is what was changed.  `sasl.exchange`,
    `sasl.base64_groups` and `sasl.decode` are the same without the widget.
    """

    def __init__(
        self,
        mechanism: str = "PLAIN",
        user: str = "user",
        password: str = "",
        lang: str | None = None,
    ) -> None:
        super().__init__(lang)
        self._steps: tuple[sasl.Step, ...] = ()
        self._data: dict[str, bytes] = {}
        self._make(mechanism, user, password)
        for one in (self.mechanism, self.user, self.password):
            one.observe(self._login, "value")
        self.step.observe(self._show, "value")
        self.typed.observe(self._show, "value")
        self.token.observe(self._show, "value")
        self.work.observe(self._turn, "value")
        login = ipywidgets.VBox([row(self.mechanism, self.user, self.password), self.step])
        self._sheets = {LOGIN: login, TEXT: row(self.typed), TOKEN: row(self.token)}
        self.sheet = ipywidgets.HBox([login])
        label = word("ui.bench.label", self.lang)
        self.widget = box(label, [self.work, self.sheet, self.result])
        self._login()

    def _make(self, mechanism: str, user: str, password: str) -> None:
        """The controls, each with its description."""

        def named(message_id: str) -> dict[str, object]:
            return {"description": word(message_id, self.lang), "style": _STYLE}

        choices = (
            (word("ui.bench.login", self.lang), LOGIN),
            (word("ui.bench.text", self.lang), TEXT),
            (word("ui.bench.token", self.lang), TOKEN),
        )
        self.work = ipywidgets.RadioButtons(
            options=choices, orientation="horizontal", layout=WIDE, **named("ui.bench.work")
        )
        self.mechanism = ipywidgets.Dropdown(
            options=sasl.MECHANISMS, value=mechanism, **named("ui.bench.mechanism")
        )
        self.user = ipywidgets.Text(value=user, **named("ui.bench.user"))
        self.password = ipywidgets.Text(
            value=password or "minfo", layout={"width": "28em"}, **named("ui.bench.password")
        )
        self.step = ipywidgets.Select(options=[], rows=5, layout=WIDE, **named("ui.bench.step"))
        self.typed = ipywidgets.Text(value="minfo", **named("ui.bench.typed"))
        self.token = ipywidgets.Text(
            value="AHVzZXIAbWluZm8=", layout={"width": "36em"}, **named("ui.bench.captured")
        )
        self.result = ipywidgets.HTML()

    @property
    def steps(self) -> tuple[sasl.Step, ...]:
        """The messages of the login."""
        return self._steps

    @property
    def text(self) -> str:
        """The login's messages as they travel, passwords hidden; in the widget they are shown."""
        lines = (f"{one.side.value}: {one.token()}  ({one.name(self.lang)})" for one in self._steps)
        return "\n".join((f"{self.mechanism.value} {self.user.value}", *lines))

    # the login

    def _login(self, _: object = None) -> None:
        try:
            self._steps = sasl.exchange(
                self.mechanism.value,
                self.user.value,
                self.password.value,
                random=Random(_SEED).randbytes,  # noqa: S311 - the same each time, to compare
                timestamp=_SEED,
            )
        except MailsimError as error:
            self._steps = ()
            self.step.options = []
            self._tell(error.worded(self.lang))
            return
        at = self.step.value or 0
        self.step.options = [
            (f"{n + 1}. {one.side.value}: {one.name(self.lang)}", n)
            for n, one in enumerate(self._steps)
        ]
        self.step.value = min(at, len(self._steps) - 1) if self._steps else None
        self._show()

    def _turn(self, _: object = None) -> None:
        self.sheet.children = [self._sheets[self.work.value]]
        self._show()

    # what is shown

    def _show(self, _: object = None) -> None:
        try:
            parts = {LOGIN: self._of_step, TEXT: self._of_text, TOKEN: self._of_token}[
                self.work.value
            ]()
        except MailsimError as error:
            self._tell(error.worded(self.lang))
            return
        self.result.value = markup.block(*parts, lang=self.lang)

    def _tell(self, sentence: str) -> None:
        self.result.value = markup.block(markup.said(sentence, failed=True), lang=self.lang)

    def _of_step(self) -> list[str]:
        if self.step.value is None:
            return []
        step = self._steps[self.step.value]
        key = f"{LOGIN} {self.mechanism.value} {self.step.value}"
        return [
            self._token(step.token_base64),
            self._parts(step),
            markup.paragraph(f"{word('render.learnt', self.lang)} {step.learnt(self.lang)}"),
            *self._groups(key, step.data),
        ]

    def _of_text(self) -> list[str]:
        data = self.typed.value.encode("utf-8", "surrogateescape")
        token = sasl.Message(data).token_base64
        return [self._token(token), *self._groups(TEXT, data)]

    def _of_token(self) -> list[str]:
        found = sasl.decode(self.token.value)
        named = f" ({', '.join(found.candidates)})" if found.candidates else ""
        return [
            markup.said(f"{found.name(self.lang)}{named}"),
            self._parts(found),
            markup.paragraph(f"{word('render.learnt', self.lang)} {found.learnt(self.lang)}"),
            *self._groups(TOKEN, found.data),
        ]

    def _token(self, token: str) -> str:
        return markup.said(word("ui.bench.travels", self.lang), code=token or "=")

    def _parts(self, message: sasl.Message) -> str:
        headings = ("ui.bench.part", "ui.bench.value", "ui.bench.note")
        rows = [
            (one.name, one.shown(reveal=True) or '""', self._note(one)) for one in message.parts
        ]
        if not rows:
            return ""
        caption = word("ui.bench.parts", self.lang)
        worded = [word(one, self.lang) for one in headings]
        return markup.table(caption, worded, rows, style="m-parts")

    def _note(self, part: sasl.Part) -> str:
        kept = "" if part.sent else f"{word('render.kept', self.lang)} "
        return kept + part.note(self.lang)

    def _groups(self, key: str, data: bytes) -> list[str]:
        """The groups, those marked that the last change has changed."""
        before, self._data[key] = self._data.get(key, data), data
        rows, new = group_rows(data), changed(before, data)
        if not rows:
            return []
        headings = [word(one, self.lang) for one in HEADINGS]
        made = [
            markup.table(
                word("ui.bench.groups", self.lang), headings, rows[:MOST], style="m-code", new=new
            )
        ]
        if new:
            made.append(markup.paragraph(word("ui.bench.changed", self.lang), "m-soft"))
        if len(rows) > MOST:
            more = word("ui.bench.more", self.lang, count=len(rows) - MOST)
            made.append(markup.paragraph(more, "m-soft"))
        return made
