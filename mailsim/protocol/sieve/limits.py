"""How much a script may be, nest and do: Pigeonhole's defaults, named as its settings are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of compilation and of a run; beyond one, the script is refused or its run ends in error."""

    script_size: int = 1 << 20
    """Octets of one script (sieve_max_script_size = 1M)."""
    string: int = 1 << 20
    """Octets of one string."""
    identifier: int = 32
    """Letters of a command's or tag's name."""
    arguments: int = 32
    """Arguments of one command or test."""
    nodes: int = 50_000
    """Commands and tests of one script; Pigeonhole bounds the memory of its syntax tree."""
    tokens: int = 25_000
    """Words, strings, numbers and signs of a script and of all that it includes, each ${…} of a
    string counted too: what compiling costs."""
    regex_states: int = 50_000
    """States of all the automata that a script's regular expressions become."""
    nesting: int = 32
    """Blocks in blocks, and tests in tests."""
    errors: int = 100
    """Errors that are collected before the rest of the script is left alone."""
    actions: int = 32
    """Actions of one run (sieve_max_actions)."""
    redirects: int = 4
    """redirect actions of one run (sieve_max_redirects)."""
    include_depth: int = 10
    """Scripts within scripts (sieve_include_max_nesting_depth)."""
    includes: int = 255
    """Scripts that one script brings in, all levels together (sieve_include_max_includes)."""
    depth: int = 100
    """Blocks and tests within each other while a script runs, those of included scripts counted."""
    variables: int = 255
    """Variables of one script, and global ones (sieve_variables_max_scope_size)."""
    value: int = 4096
    """Octets of a variable's value; what is longer is cut (sieve_variables_max_value_size)."""
    match_values: int = 32
    """The highest match variable: ${32}."""
    steps: int = 100_000
    """Commands, tests and comparisons of one run: stands for sieve_max_cpu_time, and repeats."""
    work: int = 1_000_000_000
    """Octets that comparisons of one run may look at."""
    trace: int = 5_000
    """Steps that the trace keeps; later ones are counted only."""


DEFAULT = Limits()
