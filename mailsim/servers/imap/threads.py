"""THREAD (RFC 5256 §3): conversations, by ORDEREDSUBJECT, REFERENCES and Dovecot's REFS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from mailsim.servers.imap.matching import Candidate
from mailsim.servers.imap.reference_trees import Tree
from mailsim.servers.imap.sorting import in_order, sent_or_received
from mailsim.servers.imap.subjects import base_subject

Number: TypeAlias = "Callable[[Candidate], int]"

ALGORITHMS: Final = ("ORDEREDSUBJECT", "REFERENCES", "REFS")


def threads(candidates: Iterable[Candidate], algorithm: str, number: Number) -> str:
    """The thread lists as `* THREAD` tells them; `number` gives a message's sequence number or UID."""
    if algorithm == "ORDEREDSUBJECT":
        return "".join(_by_subject(candidates, number))
    tree = Tree(candidates)
    roots = tree.by_references() if algorithm == "REFERENCES" else tree.by_refs()
    return "".join(_written(tree, roots, number))


def _by_subject(candidates: Iterable[Candidate], number: Number) -> Iterator[str]:
    """Messages of one base subject, by date; the threads by their first message's date."""
    gathered: dict[str, list[Candidate]] = {}
    for one in in_order(candidates, ("SUBJECT", "DATE")):
        gathered.setdefault(base_subject(one.text.header.raw(b"subject") or b"")[0], []).append(one)
    ordered = sorted(gathered.values(), key=lambda one: (sent_or_received(one[0]), number(one[0])))
    for thread in ordered:
        first, *rest = map(number, thread)
        if len(rest) > 1:
            yield f"({first} {''.join(f'({one})' for one in rest)})"
        else:
            yield f"({' '.join(map(str, (first, *rest)))})"


def _written(tree: Tree, roots: list[int], number: Number) -> Iterator[str]:
    """thread-list *(thread-list)   ; RFC 5256 §5, without recursion: threads may be deep"""
    stack: list[str | tuple[list[int], bool]] = [(roots, True)]
    while stack:
        top = stack.pop()
        if isinstance(top, str):
            yield top
            continue
        nodes, in_parentheses = top
        pieces: list[str | tuple[list[int], bool]] = []
        for node in nodes:
            children = tree.children(node)
            one = tree.message(node)
            told = str(number(one)) if one else ""
            pieces.append("(" * in_parentheses + told + " " * bool(told and children))
            if children:
                pieces.append((children, len(children) > 1))
            pieces.append(")" * in_parentheses)
        stack.extend(reversed(pieces))
