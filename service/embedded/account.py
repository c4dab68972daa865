"""The account that Postgres runs as: it refuses to run as root."""

import os
import pwd
from pathlib import Path

from service.embedded.process import Account
from service.embedded.server import StartError


def postgres_account(folder: Path) -> Account | None:
    """None, the caller's, unless that is root: then the owner of an existing cluster, or an account found here."""
    if os.geteuid() != 0:
        return None
    if (folder / "data").exists():
        owner = (folder / "data").stat()
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise StartError("expected an account named postgres or nobody to run Postgres as, found neither; add one")


def account_name(account: Account | None) -> str:
    """Name of an account, its number when it has none."""
    uid = account.uid if account else os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
