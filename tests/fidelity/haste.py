"""Neither side waits after a refused password: what is measured is what is said, not when."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from mailsim.lab.attach import attach
from mailsim.servers.config import Config

if TYPE_CHECKING:
    from mailsim import Lab

# No delay after a bad password, no penalty for where it came from; login processes that stay.
_DOVECOT: Final = """\
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service imap-login {
  {stays}
  process_min_avail = 1
}
service pop3-login {
  {stays}
  process_min_avail = 1
}
"""
_SIEVE: Final = """\
service managesieve-login {
  {stays}
  process_min_avail = 1
}
"""
# Nothing else than these files is touched, and a reset takes them away again.
_SCRIPT: Final = """\
set -e
cat > /etc/dovecot/lab.d/zz-haste.conf
systemctl restart dovecot
for try in $(seq 100); do
  doveadm auth test user minfo > /dev/null 2>&1 && exit 0
  sleep 0.1
done
exit 1
"""


def hurry_real(lab: Lab) -> None:
    """In a container lab; again after each reset."""
    about = attach(lab.name).ask("describe")
    stays = (
        "restart_request_count = unlimited"
        if lab.release.dovecot >= (2, 4, 0)
        else "service_count = 0"
    )
    text = _DOVECOT + (_SIEVE if lab.endpoints["managesieve"].reached_port else "")
    inside = [one for one in about["shell"][:-1] if one != "--tty"]
    command = [*inside, "sh", "-c", _SCRIPT]
    subprocess.run(
        command,
        input=text.replace("{stays}", stays).encode(),
        check=True,
        capture_output=True,
        timeout=60,
    )


def hurry_simulated(patch: pytest.MonkeyPatch) -> None:
    """For every embedded lab that is started from now on."""
    defaults = Config.__init__.__kwdefaults__ or {}
    patch.setitem(defaults, "smtpd_sasl_failure_delay", 0.0)
