"""Trees of messages by their references, built as Dovecot builds them (RFC 5256 §3, REFERENCES)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from mailsim.servers.imap.matching import Candidate
from mailsim.servers.imap.sorting import sent_or_received
from mailsim.servers.imap.subjects import base_subject
from mailsim.wire.mime.message_ids import message_ids

# Who writes thousands of references writes them to cost time: the rest is not looked at, and
# neither is a line of ancestors that is longer.
_MAX_REFERENCES: Final = 1000
_MAX_ANCESTORS: Final = 1000


@dataclass(slots=True)
class _Root:
    """The top of a thread: a message, or with `dummy` one that is not here but is referred to."""

    node: int
    date: int = 0
    uid: int = 0
    dummy: bool = False
    ignored: bool = False
    answers: bool = False
    under: _Root | None = None
    """The root of the same subject under which it comes."""


class Tree:
    """The messages as nodes, each under what it refers to.

    Node 0 is none; a node without a message stands for an identifier that others refer to.
    """

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._messages: list[Candidate | None] = [None]
        self._parents = [0]
        self._has_children = [False]
        self._nodes: dict[bytes, int] = {}
        self._shadow: dict[int, list[int]] = {}
        for one in candidates:
            self._add(one)

    def message(self, node: int) -> Candidate | None:
        """The node's message, if it is here."""
        return self._messages[node] if node < len(self._messages) else None

    def children(self, node: int) -> list[int]:
        """The messages under a node, by date."""
        found = self._shadow.get(node, [])
        return sorted(found, key=self._date_and_uid) if len(found) > 1 else found

    # --- Linking: step (1) --------------------------------------------------------------------

    def _new(self) -> int:
        self._messages.append(None)
        self._parents.append(0)
        self._has_children.append(False)
        return len(self._messages) - 1

    def _node(self, identifier: bytes) -> int:
        if identifier not in self._nodes:
            self._nodes[identifier] = self._new()
        return self._nodes[identifier]

    def _add(self, one: Candidate) -> None:
        identifier = next(message_ids(one.text.header.raw(b"message-id") or b""), None)
        node = self._new() if identifier is None else self._node(identifier)
        if self._messages[node] is not None:  # the first of one identifier keeps it
            node = self._new()
        self._messages[node] = one
        parent = 0
        for reference in self._references(one):
            child = self._node(reference)
            if parent:
                self._link(parent, child)
            parent = child
        if self._parents[node] not in (0, parent):
            self._parents[node] = 0  # what the message itself says counts
        if parent:
            self._link(parent, node)

    @staticmethod
    def _references(one: Candidate) -> list[bytes]:
        """References, or the first of In-Reply-To if there are none."""
        found = list(
            islice(message_ids(one.text.header.raw(b"references") or b""), _MAX_REFERENCES)
        )
        return found or list(islice(message_ids(one.text.header.raw(b"in-reply-to") or b""), 1))

    def _link(self, parent: int, child: int) -> None:
        """Put `child` under `parent`, if it is under nothing and that makes no circle."""
        if self._parents[child] or self._is_under(parent, child):
            return
        self._parents[child] = parent
        self._has_children[parent] = True

    def _is_under(self, node: int, ancestor: int) -> bool:
        if node == ancestor:
            return True
        if not self._has_children[ancestor]:
            return False
        for _ in range(_MAX_ANCESTORS):
            node = self._parents[node]
            if node in (0, ancestor):
                return node == ancestor
        return True

    # --- Steps (2) to (4) ---------------------------------------------------------------------

    def _roots(self) -> list[_Root]:
        """The tops; messages are put under the nearest message above, or the highest dummy."""
        roots = []
        nearest = [0] * len(self._parents)
        for node in range(1, len(self._parents)):
            one = self._messages[node]
            if self._parents[node] == 0:
                roots.append(_Root(node, uid=one.message.uid if one else 0, dummy=one is None))
            elif one is not None:
                self._shadow.setdefault(self._nearest(node, nearest), []).append(node)
        return roots

    def _nearest(self, node: int, known: list[int]) -> int:
        """The first ancestor that is a message, or the last; `known` keeps what was found."""
        passed = []
        at = self._parents[node]
        while self._messages[at] is None and self._parents[at] and not known[at]:
            passed.append(at)
            at = self._parents[at]
        at = known[at] or at
        for one in passed:
            known[one] = at
        return at

    def _date_and_uid(self, node: int) -> tuple[int, int]:
        one = self._messages[node]
        return (sent_or_received(one), one.message.uid) if one else (0, 0)

    def _sort(self, roots: list[_Root]) -> None:
        for root in roots:
            if root.ignored:
                continue
            children = self.children(root.node)
            if root.dummy and not children:
                root.ignored = True
                continue
            if root.dummy and len(children) == 1:  # step (3), which waited till now
                root.node, root.dummy = children[0], False
            root.date, root.uid = self._date_and_uid(children[0] if root.dummy else root.node)
        roots.sort(key=lambda root: (root.date, root.uid))

    def by_references(self) -> list[int]:
        """REFERENCES: the threads' tops, those of one base subject gathered."""
        roots = self._roots()
        self._sort(roots)
        self._gather(roots)
        if self._merge(roots):
            self._sort(roots)
        return [root.node for root in roots if not root.ignored]

    def by_refs(self) -> list[int]:
        """REFS: whatever the subjects, the threads by their latest message."""
        roots = self._roots()
        tops = {root.node: root for root in roots}
        known = [0] * len(self._parents)
        for node, one in enumerate(self._messages):
            if one is not None:
                root = tops[self._top(node, known)]
                root.date = max(root.date, sent_or_received(one))
        roots.sort(key=lambda root: (root.date, root.uid))
        return [root.node for root in roots if not root.dummy or self._shadow.get(root.node)]

    def _top(self, node: int, known: list[int]) -> int:
        passed = [node]
        while self._parents[node] and not known[node]:
            node = self._parents[node]
            passed.append(node)
        top = known[node] or node
        for one in passed:
            known[one] = top
        return top

    # --- Step (5): one base subject, one thread -----------------------------------------------

    def _gather(self, roots: list[_Root]) -> None:
        """(5.B): the table of base subjects, and whom each other root comes under."""
        table: dict[str, _Root] = {}
        for root in roots:
            if root.ignored:
                continue
            one = self.message(self.children(root.node)[0] if root.dummy else root.node)
            field = one.text.header.raw(b"subject") if one else None
            if field is None:
                continue
            subject, answers = base_subject(field)
            if not subject:
                continue
            there = table.setdefault(subject, root)
            if there is not root:
                if not there.dummy and (root.dummy or (there.answers and not answers)):
                    there.under = root
                    table[subject] = root
                else:
                    root.under = there
            root.answers = answers

    def _merge(self, roots: list[_Root]) -> bool:
        """(5.C): whether any were merged."""
        changed = False
        for root in tuple(roots):
            if root.under is not None and not root.ignored:
                self._merge_one(root, roots)
                changed = True
        return changed

    def _merge_one(self, root: _Root, roots: list[_Root]) -> None:
        top = root.under or root
        while top.under is not None:
            top = top.under
        root.ignored = True
        if root.dummy:
            self._shadow.setdefault(top.node, []).extend(self._shadow.pop(root.node, []))
        elif top.dummy or (root.answers and not top.answers):
            self._shadow.setdefault(top.node, []).append(root.node)
        else:
            both = _Root(self._new(), dummy=True)
            self._shadow[both.node] = [top.node, root.node]
            top.under, top.ignored = both, True
            roots.append(both)
