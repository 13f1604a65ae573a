"""IMAP as Dovecot serves it: sessions over the store's mailboxes."""
