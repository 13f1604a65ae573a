"""From evidence to a verdict: what a student's exercise asked for, and whether it was done.

An exercise has four parts: a setup, a check, a solution and a cleanup.  The solution is the
notebook's; the other three stand here.  A check reads dialogues, mailboxes, queue and log, and
says what it saw and why: it is a self-check, never a grade.
"""

from mailsim.checks.catalogue import LABS, exercise, exercises_of
from mailsim.checks.evidence import Evidence
from mailsim.checks.exercise import Exercise, Site
from mailsim.checks.values import Values
from mailsim.checks.verdict import Finding, Verdict, bad, good

__all__ = [
    "LABS",
    "Evidence",
    "Exercise",
    "Finding",
    "Site",
    "Values",
    "Verdict",
    "bad",
    "exercise",
    "exercises_of",
    "good",
]
