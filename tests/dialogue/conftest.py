from __future__ import annotations

import pytest

from mailsim.model import Endpoint, Protocol


@pytest.fixture
def smtp() -> Endpoint:
    return Endpoint("smtp", Protocol.SMTP, "mail.minfo.sn", 25)
