"""Runs `(-m NAME|-c CODE|-) ...` in a process that `host.py` forks: `python -IS entrance.py SOCKET -m NAME ...`.

It lends the process its folder, variables, stdin, stdout and stderr, passes signals on to it, and ends as it ends. When
this is killed, so is that. Imports next to nothing, for what it saves is the time to import.
"""

from __future__ import annotations

import marshal
import os
import signal
import socket
import sys

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Run it, and end as it ends."""
    early: list[int] = []
    process: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        if process:
            os.kill(process[0], number)
        else:
            early.append(number)

    ignored = [int(number) for number in PASSED_ON if signal.getsignal(number) is signal.SIG_IGN]
    for number in PASSED_ON:
        if number not in ignored:
            signal.signal(number, pass_on)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(sys.argv[1])
    request = marshal.dumps((sys.argv[2:], os.getcwd(), dict(os.environ), ignored))
    socket.send_fds(connection, [len(request).to_bytes(8, "big")], [0, 1, 2])
    connection.sendall(request)
    process.append(_number(connection))
    for each in early:
        os.kill(process[0], each)
    status = _number(connection)
    if os.WIFSIGNALED(status):
        end = os.WTERMSIG(status)
        if end != signal.SIGKILL:
            signal.signal(end, signal.SIG_DFL)
        os.kill(os.getpid(), end)
    os._exit(os.WEXITSTATUS(status))


def _number(connection: socket.socket) -> int:
    got = b""
    while len(got) < 8:
        more = connection.recv(8 - len(got))
        if not more:
            os._exit(70)  # the host is gone
        got += more
    return int.from_bytes(got, "big")


if __name__ == "__main__":
    main()
