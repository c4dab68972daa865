"""Start a command as a daemon: a program that prints the number of the process it leaves behind.

Usage: `python -I -S detach.py LOG COMMAND...`. The caller is not its parent: it need not wait for it, and closing a
terminal does not end it.
"""

import os
import sys


def main(arguments: list[str]) -> None:
    """Fork, and become the command in a session of its own."""
    log, *command = arguments
    child = os.fork()
    if child:
        print(child)  # noqa: T201 - the answer to the caller
        return
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.execv(command[0], command)  # noqa: S606 - the purpose of this program


if __name__ == "__main__":
    main(sys.argv[1:])
