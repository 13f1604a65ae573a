"""The command line: Typer declares it, Rich shows it."""
