"""One contract for all backends: the same tests in every lab, their results row by inventory row."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailsim import Lab
from mailsim.model.stage import Stage
from tests.contract.cells import Cell, Fit, all_cells, tried
from tests.contract.labs import Labs
from tests.contract.post import Post
from tests.contract.results import LeftOut, Result, Results, save
from tools.contract_table import text

_HERE = Path(__file__).parent
_MARKERS = (
    "inventory(*rows): the rows of the inventory that the test shows",
    "stages(since, until): the first and the last stage at which the test has its sense",
    "needs(capability): what the backend must have (cells.py)",
    "changes: what the test does must be undone before the next: the lab is reset",
)
_labs = pytest.StashKey[Labs]()
_results = pytest.StashKey[Results]()
_home = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    for one in _MARKERS:
        config.addinivalue_line("markers", one)
    config.stash[_labs] = Labs()
    config.stash[_results] = Results()
    config.pluginmanager.register(Collector(config), "contract-results")


# --- which tests, and where


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "cell" not in metafunc.fixturenames:
        return
    fit = _fit(metafunc.definition)
    fitting = []
    for cell in all_cells():
        if reason := fit.against(cell):
            found = LeftOut(_rows(metafunc.definition), cell.backend, cell.release.value, reason)
            metafunc.config.stash[_results].left_out.append(found)
        else:
            fitting.append(pytest.param(cell, id=str(cell), marks=_marks(cell)))
    metafunc.parametrize("cell", fitting)


def _fit(item: pytest.Item) -> Fit:
    stages = [one.kwargs for one in item.iter_markers("stages")]
    return Fit(
        since=max((Stage.of(one["since"]) for one in stages if "since" in one), default=Stage.MAIL),
        until=min(
            (Stage.of(one["until"]) for one in stages if "until" in one), default=Stage.SIEVE
        ),
        needs=frozenset(one.args[0] for one in item.iter_markers("needs")),
    )


def _rows(item: pytest.Item) -> tuple[str, ...]:
    return tuple(row for one in item.iter_markers("inventory") for row in one.args)


def _marks(cell: Cell) -> list[pytest.MarkDecorator]:
    if cell.backend != "container":
        return []
    # The first test of a release may build images.
    return [
        pytest.mark.container,
        pytest.mark.timeout(1800),
        pytest.mark.xdist_group(cell.release.value),
    ]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """By backend, release and stage, what changes a lab last: labs restart little."""
    for item in items:
        # Each switch of a fault runs the roles there: not even the lab is asked for.
        if (name := _param(item, "fault")) and not tried(name, _cell(item)):
            item.add_marker(pytest.mark.skip("MAILSIM_CONTRACT_FAULTS does not name it"))
    places = [at for at, item in enumerate(items) if _cell(item) is not None]
    ordered = sorted((items[at] for at in places), key=_order)
    for at, item in zip(places, ordered, strict=True):
        items[at] = item


def _order(item: pytest.Item) -> tuple[object, ...]:
    cell = _cell(item)
    assert cell is not None
    return (*cell.order, item.get_closest_marker("changes") is not None)


def _cell(item: pytest.Item) -> Cell | None:
    found = _param(item, "cell")
    return found if isinstance(found, Cell) else None


def _param(item: pytest.Item, name: str) -> object:
    call = getattr(item, "callspec", None)
    return None if call is None else call.params.get(name)


# --- the labs


@pytest.fixture
def lab(
    cell: Cell,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Lab]:
    """The cell's lab, as other tests may have left it: with mail in it, but as it was built."""
    stash = request.config.stash
    if _home not in stash:
        stash[_home] = tmp_path_factory.mktemp("home")
    # A home that stays keeps the lab's authority, and so the images that were built with it.
    kept = os.environ.get("MAILSIM_TEST_HOME") if cell.backend == "container" else None
    monkeypatch.setenv("MAILSIM_HOME", kept or str(stash[_home]))
    monkeypatch.setenv("MAILSIM_LANG", "en")
    for name in ("MAILSIM_LAB", "MAILSIM_SEED"):
        monkeypatch.delenv(name, raising=False)
    labs = stash[_labs]
    found = labs.at(cell)
    yield found
    if request.node.get_closest_marker("changes") is not None:
        labs.changed(found)


@pytest.fixture
def post(lab: Lab, request: pytest.FixtureRequest) -> Post:
    """Mail of this test's own: no other has its Message-IDs."""
    return Post(lab, request.node.name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """The last test here ends the labs: no other folder's test meets their threads."""
    try:
        yield
    finally:
        if _is_ours(item) and not (nextitem and _is_ours(nextitem)):
            item.config.stash[_labs].end()


def _is_ours(item: pytest.Item) -> bool:
    return item.path.parent == _HERE


# --- the results


def pytest_runtest_setup(item: pytest.Item) -> None:
    cell = _cell(item)
    if cell is not None and _is_ours(item):
        where = [cell.backend, cell.release.value, cell.stage.value]
        item.user_properties.append(("contract", [*where, *_rows(item)]))


class Collector:
    """Hears every test's end; where workers run them, in the process that they report to."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._results = config.stash[_results]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name == "contract" and isinstance(value, list):
                self._results.add(Result.of(report, value))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        output = getattr(node, "workeroutput", {})
        self._results.left_out += [LeftOut.of(one) for one in output.get("contract", [])]

    def pytest_sessionfinish(self) -> None:
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output["contract"] = [one.plain() for one in self._results.left_out]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._results.found:
            if path := os.environ.get("MAILSIM_CONTRACT_RESULTS"):
                save(self._results, Path(path))
            terminalreporter.write_sep("=", "the contract, row by inventory row")
            terminalreporter.write_line(text(self._results.document()))
