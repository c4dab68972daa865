"""Run a command so that it dies with the process that started it: a program that execs its arguments.

Usage: `python -I -S leash.py PARENT SIGNAL UID GID COMMAND...`; UID or GID of -1 keeps the caller's. A program of its
own, because running Python between fork and exec is unsafe beside threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def tie(parent: int, death_signal: int) -> None:
    """Have the kernel send `death_signal` when `parent` dies (on Linux; elsewhere the next start sweeps)."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        raise SystemExit("the process that asked for this command is already gone")


def main(arguments: list[str]) -> None:
    """Change the account, tie this process to its parent, and become the command."""
    parent, death_signal, uid, gid = (int(argument) for argument in arguments[:4])
    command = arguments[4:]
    if gid >= 0:
        os.setgroups([])
        os.setgid(gid)
    if uid >= 0:
        os.setuid(uid)
    # After the change of account, which clears the setting.
    tie(parent, death_signal)
    os.execv(command[0], command)  # noqa: S606 - the purpose of this program


if __name__ == "__main__":
    main(sys.argv[1:])
