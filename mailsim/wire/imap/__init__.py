"""IMAP4rev1 and IMAP4rev2 on the wire (RFC 3501, RFC 9051), in both directions.

    frames        bytes to units: lines and literals, one response or command at a time
    responses     what a server says, as values; `read_response`, `write_response`
    commands      what a client says, as values; `read_command`, `write_command`

A response or command travels as *units*: lines that end with CRLF and, after a
line that ends with `{n}`, a literal of n octets.
"""
