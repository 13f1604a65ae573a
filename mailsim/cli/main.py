"""The entry point: declare the commands, run one, turn errors into a line and an exit code.

Exit codes: 0 done; 1 the check, the comparison or the connection failed; 2 wrong use.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click
import typer

from mailsim import __version__
from mailsim.cli import auth, explain, init_command, lab, trace
from mailsim.errors import MailsimError, UsageError
from mailsim.language import word

app = typer.Typer(
    name="mailsim",
    help=word("cli.mailsim"),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(trace.app, name="trace")
app.command("explain", help=word("cli.explain"))(explain.explain)
app.command("auth", help=word("cli.auth"))(auth.auth)
app.command("init", help=word("cli.init"))(init_command.init)
app.command("lab", help=word("cli.lab"))(lab.lab)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mailsim {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help=word("cli.version")
    ),
) -> None:
    """Carry the options of the whole program."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        code = app(args=arguments, standalone_mode=False)
    except click.ClickException as error:
        return _complain(error.format_message(), 2)
    except UsageError as error:
        return _complain(str(error), 2)
    except MailsimError as error:
        return _complain(str(error), 1)
    except BrokenPipeError:
        # The reader (head, less) has gone: nothing is left to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, click.Abort):
        return 130
    return code if isinstance(code, int) else 0


def _complain(sentence: str, code: int) -> int:
    print("mailsim:", " ".join(sentence.split()), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
