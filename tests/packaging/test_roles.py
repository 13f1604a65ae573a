"""What the roles' own files show: tasks, templates, and the list of what they write."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Final

import pytest

from tests.packaging.rendering import PROVISION
from tools import settings as written


def test_every_template_is_written_by_a_task_or_another_template() -> None:
    texts = [one.read_text(encoding="utf-8") for one in PROVISION.rglob("*") if one.is_file()]
    written = "\n".join(texts)
    for template in PROVISION.glob("roles/*/templates/**/*.j2"):
        name = re.sub(r"2\.[34]", "", template.name.removesuffix(".j2"))
        stem = name.partition("-.conf")[0].removesuffix(".cf")
        assert stem in written, template


# Parts of other templates, and what is no setting: secrets, requests, a signature, what an image's
# build reads, and what no release has by default (a workstation, forwarded ports).
_NOT_LISTED: Final = {
    "site.j2", "password.j2", "request.cnf.j2", "database.sql.j2", "mailsim.ndb.j2", "offline.cf.j2",
    "forwarded.nft.j2", "sshd_workstation.j2", "mailsim-workstation.service.j2", "unit.conf.j2",
}  # fmt: skip


def listed() -> dict[str, set[str]]:
    """The templates in the list of files, Dovecot's versions apart, and the faults of each."""
    text = (PROVISION / "group_vars/all/files.yml").read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    for entry in re.split(r"(?m)^  - ", text.partition("\nmailsim_files_each")[0])[1:]:
        (template,) = re.findall(r"template: ([^\s},]+)", entry)
        faults = re.findall(r"faults: \[(.*)\]", entry)
        for one in {template.replace("@", version) for version in ("2.3", "2.4")}:
            found.setdefault(one, set()).update(*(one.split(", ") for one in faults))
    return found


def test_the_list_of_files_has_every_template() -> None:
    there = {
        file.relative_to(PROVISION).as_posix()
        for file in PROVISION.glob("roles/*/templates/**/*.j2")
        if file.name not in _NOT_LISTED
    }
    assert set(listed()) == there


def test_each_file_names_the_faults_that_change_it() -> None:
    by_variable = variables()
    for template, faults in listed().items():
        text = (PROVISION / template).read_text(encoding="utf-8")
        text += "".join(
            (PROVISION / one).read_text(encoding="utf-8")
            for one in re.findall(r"{% include '(.*?)' %}", text)
        )
        found = set(re.findall(r"'(F\d+)'", text))
        for variable, changed in by_variable.items():
            found |= changed if re.search(rf"\b{variable}\b", text) else set()
        assert faults == found, template
    assert set().union(*listed().values()) == set(written.FAULTS)


def variables() -> dict[str, set[str]]:
    """The roles' defaults that a fault changes, and those faults."""
    found: dict[str, set[str]] = {}
    for file in PROVISION.glob("roles/*/defaults/main.yml"):
        for entry in re.split(r"(?m)^(?=\w)", file.read_text(encoding="utf-8")):
            name, _, value = entry.partition(":")
            known = "|".join((*written.FAULTS, *found))
            faults = set(re.findall(rf"\b({known})\b", re.sub("(?m)^ *#.*$", "", value)))
            if faults and "\n" not in name:
                found[name] = set().union(*(found.get(one, {one}) for one in faults))
    return found


def test_modules_are_ansibles_own() -> None:
    for file in PROVISION.glob("roles/*/*/*.yml"):
        if file.parent.name in ("tasks", "handlers"):
            for module in re.findall(
                r"^ {2,6}([a-z_]+(?:\.[a-z_]+)+):", file.read_text(), re.MULTILINE
            ):
                assert module.startswith("ansible.builtin."), f"{file}: {module}"
                assert module != "ansible.builtin.shell", file


@pytest.mark.timeout(0)  # it takes its time
def test_ansible_lint_finds_nothing() -> None:
    program = shutil.which("ansible-lint")
    if program is None:
        pytest.skip("ansible-lint is not installed")
    done = subprocess.run(
        [program, "--offline", "--nocolor"], cwd=PROVISION, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
