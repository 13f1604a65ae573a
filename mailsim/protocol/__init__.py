"""Sans-IO state machines: each protocol in client and in server role, over one transition table."""
