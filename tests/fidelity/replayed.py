"""The simulator asked what the real system was asked."""

from __future__ import annotations

from collections.abc import Iterable

from mailsim import Lab
from mailsim.model.stage import Stage
from tests.fidelity.cells import Observation
from tests.fidelity.conversation import Conversation, Place, replay
from tests.fidelity.rounds import SEED, put_mail


def observations(
    release: str, stage: Stage, conversations: Iterable[Conversation]
) -> list[Observation]:
    """Both answers to each command of one stage, from a lab that is started for it."""
    name = f"fidelity-{release}-{stage.value}"
    with Lab(release=release, stage=stage, seed=SEED, name=name) as lab:
        put_mail(lab)
        return list(replay(lab, conversations, Place(release, stage.value)))
