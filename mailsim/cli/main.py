"""The entry point: declare the commands, run one, turn errors into a line and an exit code.

Exit codes: 0 done; 1 the check, the comparison or the connection failed; 2 wrong use.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Final

import typer

from mailsim import __version__
from mailsim.errors import MailsimError, UsageError
from mailsim.language import LANGUAGES, word

# Each command and its module, which declares the function of that name, or an `app` of
# subcommands.  Only what is run is imported: `mailsim explain` needs no tracer.
_COMMANDS: Final = {
    "trace": "mailsim.cli.trace",
    "compare": "mailsim.cli.compare",
    "explain": "mailsim.cli.explain",
    "auth": "mailsim.cli.auth",
    "init": "mailsim.cli.init_command",
    "lab": "mailsim.cli.lab",
    "up": "mailsim.cli.up",
    "down": "mailsim.cli.down",
    "reset": "mailsim.cli.reset",
    "status": "mailsim.cli.status",
    "shell": "mailsim.cli.shell",
    "logs": "mailsim.cli.logs",
    "journey": "mailsim.cli.journey",
    "fault": "mailsim.cli.fault",
    "settings": "mailsim.cli.settings",
    "sieve": "mailsim.cli.sieve",
    "check": "mailsim.cli.check",
    "class": "mailsim.cli.class_report",
    "box": "mailsim.cli.box",
}
# Click's base of errors.  Typer may carry a Click of its own, and names only this child of it.
_CLICK_ERROR: Final[type[BaseException]] = typer.BadParameter.__mro__[2]


def application(commands: Iterable[str] = _COMMANDS) -> typer.Typer:
    """The command line with these commands."""
    app = typer.Typer(
        name="mailsim",
        help=word("cli.mailsim"),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_top)
    for name in commands:
        module = import_module(_COMMANDS[name])
        if isinstance(getattr(module, "app", None), typer.Typer):
            app.add_typer(module.app, name=name)
        else:
            app.command(name, help=word(f"cli.{name}"))(getattr(module, name))
    return app


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mailsim {__version__}")
        raise typer.Exit


def _top(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help=word("cli.version")
    ),
) -> None:
    """Carry the options of the whole program."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    known = given[:1] if given and given[0] in _COMMANDS else _COMMANDS
    _any_terminal()
    try:
        code = application(known)(args=_texts(given), prog_name="mailsim", standalone_mode=False)
        sys.stdout.flush()
    except UsageError as error:
        return _complain(error.worded(_asked_language(given)), 2)
    except MailsimError as error:
        return _complain(error.worded(_asked_language(given)), 1)
    except BrokenPipeError:
        _drop_output()  # the reader (head, less) has gone
        return 1
    except OSError as error:
        _drop_output()
        return _complain(word("cli.not-printed", reason=error.strerror or str(error)), 1)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except _CLICK_ERROR as error:
        return _complain(_message(error), 2)
    return code if isinstance(code, int) else 0


def _asked_language(given: list[str]) -> str | None:
    """What --lang says, if it names a language: errors are told in it too."""
    for at, one in enumerate(given):
        name, equals, value = one.partition("=")
        if name == "--lang":
            asked = value if equals else next(iter(given[at + 1 :]), "")
            return asked if asked in LANGUAGES else None
    return None


def _texts(given: list[str]) -> list[str]:
    """The arguments, POP3's "-ERR …" marked as a server's line: it would pass for options."""
    return [f"S: {one}" if one[:4].upper() == "-ERR" else one for one in given]


def _any_terminal() -> None:
    """Let every terminal show what it can: where a letter has no code there, "?" stands."""
    if sys.stdout is None:  # started with it closed
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - to the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _drop_output() -> None:
    """Let nothing be left to flush at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _message(error: BaseException) -> str:
    """Click's sentence; "" when it has shown the help instead."""
    worded: str = error.format_message()  # type: ignore[attr-defined] # ClickException's own
    return worded


def _complain(sentence: str, code: int) -> int:
    if sentence:
        print("mailsim:", " ".join(sentence.split()), file=sys.stderr)
    return code
