from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# `make test` repeats: the same examples each time, so that a red run is about the change at hand.
# `make fuzz` looks for new ones.
settings.register_profile(
    "mailsim",
    deadline=None,
    derandomize=True,
    max_examples=60,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "fuzz",
    parent=settings.get_profile("mailsim"),
    derandomize=False,
    max_examples=int(os.environ.get("MAILSIM_FUZZ_EXAMPLES", "5000")),
)
settings.load_profile("mailsim")
