from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.servers.imap.matching import Candidate
from mailsim.servers.imap.sorting import ORDERS, in_order
from mailsim.servers.imap.subjects import base_subject
from mailsim.servers.imap.threads import ALGORITHMS, threads
from mailsim.servers.store.values import Message


def mailbox(*contents: str) -> list[Candidate]:
    return [one(number, content) for number, content in enumerate(contents, 1)]


def one(number: int, content: str) -> Candidate:
    octets = content.replace("\n", "\r\n").encode()
    message = Message(number * 10, frozenset(), 1, 1000 - number, len(octets), "", saved=0)
    return Candidate(number, message, lambda: octets)


def ordered(candidates: list[Candidate], order: str) -> list[int]:
    return [found.number for found in in_order(candidates, order.split())]


def threaded(candidates: list[Candidate], algorithm: str) -> str:
    return threads(candidates, algorithm, lambda found: found.number)


# --- Base subjects -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "expected", "answers"),
    [
        ("Réunion", "RE\u0301UNION", False),
        ("Re: x", "X", True),
        ("RE :  Fwd: fw: x", "X", True),
        ("Re[2]: x", "X", True),
        ("[liste] Re: [liste] x (fwd) (FWD) ", "X", True),
        ("[a] [b] x", "X", False),
        ("[a]", "[A]", False),
        ("[a][b]", "[B]", False),
        ("[fwd: x]", "X", True),
        ("[fwd: Re: x]", "X", True),
        ("[fwd: [fwd: x (fwd)]]", "X", True),
        ("=?utf-8?Q?Re=3A_x?=", "X", True),
        ("un\ttrop   long", "UN TROP LONG", False),
        ("Re", "RE", False),
        ("re:", "", True),
        ("(fwd)", "", True),
        ("Re: [a", "[A", True),
        ("", "", False),
    ],
)
def test_base_subjects(field: str, expected: str, answers: bool) -> None:  # noqa: FBT001 — what is expected
    assert base_subject(field.encode()) == (expected, answers)


@given(st.lists(st.sampled_from(["re", ":", " ", "[", "]", "a", "(fwd)", "[fwd:"])).map("".join))
def test_a_base_subject_has_no_other(field: str) -> None:
    base, _ = base_subject(field.encode())
    assert base_subject(base.encode())[0] == base


def test_long_subjects() -> None:
    assert base_subject(b"[a]" * 50_000 + b"re: " * 50_000 + b"x" + b"(fwd)" * 50_000) == (
        "X",
        True,
    )


# --- SORT ----------------------------------------------------------------------------------------


MAILS = (
    "Subject: b\nFrom: Zoé <a@x>\nTo: c@x\nDate: 3 Jan 2024 00:00:00 +0000\n\n",
    "Subject: Re: a\nFrom: b@x\nCc: z@x\nDate: 1 Jan 2024 00:00:00 +0000\n\nplus long",
    'Subject: B\nFrom: "Anna" <c@x>, d@x\nTo: a@x\nDate: 2 Jan 2024 00:00:00 +0200\n\n',
    "From: G: q@x;\n\n",
)  # fmt: skip


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("ARRIVAL", [4, 3, 2, 1]),
        ("DATE", [4, 2, 3, 1]),
        ("SUBJECT", [4, 2, 1, 3]),
        ("REVERSE SUBJECT", [1, 3, 2, 4]),
        ("SUBJECT REVERSE DATE", [4, 2, 1, 3]),
        ("FROM", [1, 2, 3, 4]),
        ("DISPLAYFROM", [3, 2, 4, 1]),
        ("TO", [2, 4, 3, 1]),
        ("CC", [1, 3, 4, 2]),
        ("DISPLAYTO", [2, 4, 3, 1]),
        ("SIZE", [4, 1, 2, 3]),
    ],
)
def test_sort(order: str, expected: list[int]) -> None:
    assert ordered(mailbox(*MAILS), order) == expected


def test_each_order_takes_any_message() -> None:
    for order in ORDERS:
        assert ordered(mailbox("", "Subject", "\n", "x: y\n\n\0"), order) in ([1, 2, 3, 4], [4, 3, 2, 1],
                                                                              [1, 3, 2, 4])  # fmt: skip


# --- THREAD --------------------------------------------------------------------------------------


def mail(name: str, *parents: str, subject: str = "", day: int = 1) -> str:
    references = (
        f"References: {' '.join(f'<{parent}@x>' for parent in parents)}\n" if parents else ""
    )
    return (
        f"Message-ID: <{name}@x>\n{references}Subject: {subject or name}\n"
        f"Date: {day} Jan 2024 00:00:00 +0000\n\n"
    )


@pytest.mark.parametrize(
    ("mails", "references", "refs"),
    [
        ([mail("a"), mail("b", "a"), mail("c", "a", "b")], "(1 2 3)", "(1 2 3)"),
        ([mail("a"), mail("b", "a"), mail("c", "a")], "(1 (2)(3))", "(1 (2)(3))"),
        ([mail("b", "a"), mail("c", "a")], "((1)(2))", "((1)(2))"),
        ([mail("b", "a")], "(1)", "(1)"),
        ([mail("a", "b"), mail("b", "a")], "(2 1)", "(2 1)"),
        ([mail("a", "a")], "(1)", "(1)"),
        ([mail("a"), mail("a", subject="autre")], "(1)(2)", "(1)(2)"),
        # RFC 5256 §3, step (5): one subject, one thread.
        ([mail("a", subject="s"), mail("b", subject="Re: s", day=2)], "(1 2)", "(1)(2)"),
        ([mail("a", subject="s"), mail("b", subject="s", day=2)], "((1)(2))", "(1)(2)"),
        ([mail("b", subject="Re: s"), mail("a", subject="s", day=2)], "(2 1)", "(1)(2)"),
        # REFERENCES goes by the first message of a thread, REFS by the last.
        ([mail("a"), mail("b", day=2), mail("c", "a", day=3)], "(1 3)(2)", "(2)(1 3)"),
        # What a message itself says of its parent counts, not what others say.
        ([mail("c", "a", "b"), mail("b", day=2), mail("a", day=3)], "(2 1)(3)", "(2 1)(3)"),
        # Below step (2) a message that is not here is none.
        ([mail("c", "a", "b"), mail("a", day=2)], "(2 1)", "(2 1)"),
    ],
)  # fmt: skip
def test_threads(mails: list[str], references: str, refs: str) -> None:
    assert threaded(mailbox(*mails), "REFERENCES") == references
    assert threaded(mailbox(*mails), "REFS") == refs


def test_ordered_subject() -> None:
    mails = [mail("a", subject="x", day=2), mail("b", subject="y"), mail("c", subject="Re: x", day=3),
             mail("d", subject="[l] X", day=4), mail("e", subject="y", day=9)]  # fmt: skip
    assert threaded(mailbox(*mails), "ORDEREDSUBJECT") == "(2 5)(1 (3)(4))"


def test_in_reply_to_where_there_are_no_references() -> None:
    reply = "Message-ID: <b@x>\nIn-Reply-To: <a@x> <z@x>\n\n"
    assert threaded(mailbox(mail("a"), reply), "REFS") == "(1 2)"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_message_is_told_once(algorithm: str) -> None:
    mails = mailbox(
        *(mail(f"m{n}", f"m{n * 7 % 50}", f"m{n * 3 % 50}", subject=f"s{n % 9}") for n in range(60))
    )
    told = threaded(mails, algorithm)
    numbers = sorted(map(int, told.replace("(", " ").replace(")", " ").split()))
    assert numbers == list(range(1, 61))
    assert told.count("(") == told.count(")")


def test_a_long_thread_is_written_without_recursion() -> None:
    mails = mailbox(*(mail(f"m{n}", f"m{n - 1}", day=1) for n in range(1, 3001)))
    assert threaded(mails, "REFERENCES") == f"({' '.join(map(str, range(1, 3001)))})"


def test_thousands_of_references_are_not_followed() -> None:
    names = [f"r{n}" for n in range(20_000)]
    assert threaded(mailbox(mail("a", *names), mail("b", *names[:5])), "REFS") == "((1)(2))"
