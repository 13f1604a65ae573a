"""What a kernel of `mailsim lab` runs first (PYTHONSTARTUP); it leaves no name behind."""

from mailsim.lab.mistakes import watch as _watch

_watch()
del _watch
