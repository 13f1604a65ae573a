"""A server for the benchmark, a process of its own: it says its port and answers until it is killed."""

from __future__ import annotations

import socket

EHLO = b"".join(
    (
        b"250-mail.minfo.sn\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n",
        b"250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n",
    )
)
ANSWERS = {
    b"EHLO": EHLO,
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}


def talk(connection: socket.socket) -> None:
    """One dialogue, to QUIT."""
    connection.sendall(b"220 mail.minfo.sn ESMTP Postfix\r\n")
    content = False
    for line in connection.makefile("rb"):
        if content:
            if line == b".\r\n":
                content = False
                connection.sendall(b"250 2.0.0 Ok: queued as 4F0C21A2\r\n")
            continue
        verb = line[:4].upper()
        connection.sendall(ANSWERS[verb])
        content = verb == b"DATA"
        if verb == b"QUIT":
            return


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)  # noqa: T201 - whoever started it reads the port
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                talk(connection)


if __name__ == "__main__":
    main()
