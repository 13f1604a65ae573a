"""One journey in a real browser: `mailsim lab`, 00 run from start to end, a dialogue by keyboard.

The screenshots stay in build/screenshots, or where MAILSIM_SCREENSHOTS says.  JupyterLab's status
line says "idle" before the kernel can be used: the page is asked for the kernel itself.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import nbformat
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Request

ROOT: Final = Path(__file__).resolve().parent.parent.parent
CHROMIUM: Final = Path("/usr/bin/chromium")
SCREENSHOTS: Final = Path(os.environ.get("MAILSIM_SCREENSHOTS", ROOT / "build" / "screenshots"))
HOSTILE: Final = "<script>document.title='broken'</script><img src=x>"

CELLS: Final = (
    "from mailsim import Lab, ui\nlab = Lab()\nui.stepper(lab.smtp)",
    "ui.explorer('550')",
    "ui.bench('PLAIN')",
    f"""letter = '''To: user@minfo.sn
Subject: {HOSTILE}
Message-ID: <a@b.sn>

x
'''
_ = lab.wait(lab.deliver(letter))
ui.panel(lab)""",
    "ui.journey(lab, 'a@b.sn')",
)

# The kernel of the notebook in front is there and answers.
READY: Final = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  const kernel = context?.session?.kernel;
  return context?.isReady && kernel?.status === "idle" && kernel.connectionStatus === "connected";
}"""
RUN: Final = """async () => {
  await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.info;
  await window.jupyterapp.commands.execute("notebook:run-all-cells");
}"""
THEME: Final = "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})"
NOTEBOOK: Final = """() => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  return [notebook.activeCellIndex, notebook.widgets.length];
}"""


def missing() -> str:
    """What the journey lacks here, "" for nothing."""
    if not Path("/proc/self/status").exists():
        return "the /proc of Linux"
    if find_spec("playwright") is None:
        return "the Python package playwright"
    return "" if CHROMIUM.exists() else f"Debian's chromium ({CHROMIUM})"


@dataclass
class Site:
    """A running `mailsim lab`."""

    process: subprocess.Popen[str]
    url: str
    token: str
    folder: Path
    seconds: float

    def page_of(self, notebook: str) -> str:
        """The address of a notebook, without what JupyterLab remembers of others."""
        return f"{self.url}/lab/tree/{notebook}?reset&token={self.token}"


@pytest.fixture
def site(tmp_path: Path, lab_home: Path) -> Iterator[Site]:
    """`mailsim lab --lang fr`, with a notebook of widgets among the student's."""
    lacking = missing()
    if lacking and os.environ.get("MAILSIM_REQUIRE_ORACLES") == "1":
        pytest.fail(f"MAILSIM_REQUIRE_ORACLES=1, and this machine lacks {lacking}")
    if lacking:
        pytest.skip(f"needs {lacking}")
    with subprocess.Popen(
        [sys.executable, "-m", "mailsim", "lab", "--lang", "fr", "--stage", "mail", "--no-browser"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield answering(process, tmp_path, time.monotonic())
        finally:
            process.terminate()
            process.communicate(timeout=60)
    assert process.returncode == 0
    assert not list(lab_home.glob("*/lab.json")), "the lab has outlived mailsim lab"


def environment(folder: Path) -> dict[str, str]:
    """A home of its own, and a JupyterLab whose page can be asked."""
    config = folder / "config"
    config.mkdir()
    (config / "jupyter_lab_config.json").write_text('{"LabApp": {"expose_app_in_browser": true}}')
    own = {"JUPYTER_CONFIG_DIR": str(config), "HOME": str(folder)}
    own |= {name: str(folder / name) for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    return {**os.environ, **own, "MAILSIM_SEED": "browser"}


def answering(process: subprocess.Popen[str], folder: Path, began: float) -> Site:
    assert process.stderr is not None
    shown = r"(http://(?:127\.0\.0\.1|localhost):\d+)/lab/tree/labs/fr/00_\S+\?token=(\w+)"
    address = next(filter(None, (re.search(shown, line) for line in process.stderr)))
    lab = folder / "mailsim-lab"
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "name": "python3"}
    nbformat.write(notebook, lab / "labs" / "fr" / "widgets.ipynb")
    return Site(process, address[1], address[2], lab, time.monotonic() - began)


@pytest.fixture
def page(site: Site) -> Iterator[Page]:  # noqa: ARG001 - skips where there is no browser
    """A page of Debian's chromium, from which no request may leave the machine."""
    from playwright.sync_api import sync_playwright

    left: list[str] = []

    def look(request: Request) -> None:
        if not re.match(r"(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|data:|blob:", request.url):
            left.append(request.url)

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        made = browser.new_page(viewport={"width": 1280, "height": 1000})
        made.set_default_timeout(60_000)
        made.on("request", look)
        yield made
        browser.close()
    assert left == []


def run_all(page: Page, address: str) -> float:
    """Open the notebook and run all its cells; how long the running took, in seconds."""
    page.goto(address)
    page.wait_for_function(READY)
    began = time.monotonic()
    page.evaluate(RUN)
    return time.monotonic() - began


@pytest.mark.timeout(300)
def test_the_journey(site: Site, page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    index = next((site.folder / "labs" / "fr").glob("00_*.ipynb"))
    ran = run_all(page, site.page_of(f"labs/fr/{index.name}"))
    expect_the_index(page)
    memory = measured(site.process.pid)

    run_all(page, site.page_of("labs/fr/widgets.ipynb"))
    stepper = page.locator(".mailsim-stepper")
    step_by_keyboard(page, stepper)
    keep(page, stepper, "stepper")
    expect_own_keys(page)
    expect_text_and_no_markup(page)

    told = {"answers_s": round(site.seconds, 1), "index_s": round(ran, 1), "memory_mib": memory}
    (SCREENSHOTS / "measured.json").write_text(json.dumps(told, indent=1) + "\n")
    with capsys.disabled():
        sys.stdout.write(f"\nmailsim lab: {told}\n")


def expect_the_index(page: Page) -> None:
    """The notebook has run, and only what is left to the student says so."""
    assert page.locator(".jp-CodeCell").count() > 10
    assert page.get_by_text("Traceback").count() == 0
    assert page.locator(".jp-OutputArea-output").get_by_text("stored").count() > 0
    page.screenshot(path=SCREENSHOTS / "index.png")


def step_by_keyboard(page: Page, stepper: Locator) -> None:
    """From the first button to a refused recipient, without the mouse."""

    def focus() -> Any:
        return page.evaluate(
            "[document.activeElement.tagName, document.activeElement.dataset.verb]"
        )

    stepper.get_by_role("toolbar").get_by_role("button").first.focus()
    while focus()[1] != "EHLO":
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert focus()[0] == "TEXTAREA"
    page.keyboard.press("Enter")
    stepper.locator(".row").get_by_text("250 CHUNKING").wait_for()
    stepper.get_by_role("button", name="MAIL…", exact=True).focus()
    for line in ("", "RCPT TO:<personne@minfo.sn>"):
        page.keyboard.type(line) if line else page.keyboard.press("Space")
        page.keyboard.press("Enter")
        stepper.locator(".kind-C").get_by_text(line or "MAIL FROM").wait_for()
    stepper.locator(".row").get_by_text("550 5.1.1").wait_for()
    stepper.get_by_role("log").locator(".row").last.focus()
    assert "Le domaine est le nôtre" in stepper.locator(".meaning").inner_text()
    page.keyboard.press("ArrowUp")
    assert "RCPT" in stepper.locator(".meaning").inner_text()
    ladder = stepper.locator(".ladder svg")
    assert ladder.locator("text").filter(has_text="RCPT TO:<personne@minfo.sn>").count() == 1
    stepper.get_by_role("button", name="RSET", exact=True).focus()
    page.keyboard.press("Enter")
    stepper.locator(".row").get_by_text("RSET").wait_for()
    assert focus() == ["BUTTON", "RSET"]  # the focus stays among the buttons


def expect_own_keys(page: Page) -> None:
    """JupyterLab's shortcuts (d d deletes a cell, arrows leave it) keep out of every widget."""
    count = page.evaluate(NOTEBOOK)[1]
    for control in (
        page.locator(".mailsim-stepper").get_by_role("button", name="QUIT"),
        page.get_by_label("Codes trouvés"),
        page.get_by_role("radio", name="Services"),
        page.get_by_label("Étapes du trajet"),
    ):
        control.focus()
        for key in ("d", "d", "b", "ArrowDown", "ArrowDown"):
            page.keyboard.press(key)
        assert page.evaluate(NOTEBOOK)[1] == count
    # Two arrows down in the last: the third stop.
    page.locator("caption").get_by_text("3. ").wait_for()


def expect_text_and_no_markup(page: Page) -> None:
    panel = page.get_by_role("group", name="Le laboratoire")
    panel.get_by_role("radio", name="Boîtes aux lettres").check()
    panel.locator("td").get_by_text("<script>").wait_for()
    stepper = page.locator(".mailsim-stepper")
    stepper.get_by_label("Votre ligne").fill(f"VRFY {HOSTILE}")
    page.keyboard.press("Enter")
    stepper.locator(".row").get_by_text("<script>").first.wait_for()
    assert page.title() != "broken"
    assert page.locator(".jp-Notebook img[src=x], .mailsim-stepper script").count() == 0


def keep(page: Page, stepper: Locator, name: str) -> None:
    """Light, dark, narrow."""
    stepper.screenshot(path=SCREENSHOTS / f"{name}-light.png")
    page.evaluate(THEME, "JupyterLab Dark")
    page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    stepper.screenshot(path=SCREENSHOTS / f"{name}-dark.png")
    page.set_viewport_size({"width": 760, "height": 1000})
    stepper.screenshot(path=SCREENSHOTS / f"{name}-narrow.png")
    page.set_viewport_size({"width": 1280, "height": 1000})


def measured(pid: int) -> dict[str, int]:
    """Resident memory in MiB: the lab (with the command line), JupyterLab, the kernel."""
    jupyter = children(pid)[0]
    kernels = children(jupyter)
    named = {"lab": pid, "jupyterlab": jupyter, **({"kernel": kernels[0]} if kernels else {})}
    return {name: resident(one) for name, one in named.items()}


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024
