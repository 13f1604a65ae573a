from __future__ import annotations

import pytest

from mailsim.checks.restrictions import Client, Decision, decide, names

STRANGER = Client(trusted=False, user=False, ours=False)
GOOD = "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"


def test_a_line_is_read_as_main_cf_writes_it() -> None:
    assert names(f"smtpd_relay_restrictions = {GOOD}") == names(GOOD.replace(", ", "\n   ,"))
    assert names("smtpd_relay_restrictions =") == ()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (GOOD, Decision.REJECT),
        ("", Decision.PERMIT),
        ("permit, reject", Decision.PERMIT),
        ("permit_mynetworks", Decision.PERMIT),
        ("defer_unauth_destination", Decision.DEFER),
        ("permit_auth_destination, reject", Decision.REJECT),
    ],
)
def test_the_first_that_decides_ends_the_list(line: str, wanted: Decision) -> None:
    assert decide(line, STRANGER) is wanted


def test_who_may_relay_by_the_good_line() -> None:
    assert decide(GOOD, Client(trusted=True, user=False, ours=False)) is Decision.PERMIT
    assert decide(GOOD, Client(trusted=False, user=True, ours=False)) is Decision.PERMIT
    assert decide(GOOD, Client(trusted=False, user=False, ours=True)) is Decision.PERMIT


def test_an_unknown_restriction_is_a_keyerror() -> None:
    with pytest.raises(KeyError):
        decide("permit_friends", STRANGER)
