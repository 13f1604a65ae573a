"""The smtpd of mail.minfo.sn, in Postfix's manner: ports 25, 587 and 465."""

from mailsim.servers.smtp.session import SmtpSession

__all__ = ["SmtpSession"]
