"""API tokens: random, of which only the SHA-256 is stored."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from schemas.api import NewToken, Scope, TokenInfo
from service.errors import Missing

PREFIX = "holo_"

_INSERT = text("""
    insert into tokens (name, sha256, scopes) values (:name, :sha256, :scopes)
    on conflict (sha256) do update set revoked_at = null, scopes = excluded.scopes
    returning id, name, scopes, created_at, revoked_at
""")
_FIND = text("""
    select id, name, scopes, created_at, revoked_at from tokens where sha256 = :sha256 and revoked_at is null
""")
_LIST = text("select id, name, scopes, created_at, revoked_at from tokens order by id")
_REVOKE = text("""
    update tokens set revoked_at = coalesce(revoked_at, clock_timestamp()) where id = :token
    returning id, name, scopes, created_at, revoked_at
""")


def create(connection: Connection, name: str, scopes: Sequence[Scope], *, secret: str | None = None) -> NewToken:
    """Make a token; its secret is in the answer and nowhere else.

    Args:
        connection: In a transaction.
        name: Whose it is.
        scopes: What it may do.
        secret: A secret made elsewhere, such as the embedded stack's file; storing it again restores the token.
    """
    secret = secret or PREFIX + secrets.token_urlsafe(32)
    values = {"name": name, "sha256": _hashed(secret), "scopes": list(scopes)}
    row: Any = connection.execute(_INSERT, values).one()
    return NewToken(**row._mapping, token=secret)


def find(connection: Connection, secret: str) -> TokenInfo | None:
    """The token with that secret, unless it was revoked."""
    row: Any = connection.execute(_FIND, {"sha256": _hashed(secret)}).one_or_none()
    return None if row is None else TokenInfo(**row._mapping)


def listed(connection: Connection) -> list[TokenInfo]:
    """All tokens, revoked ones too."""
    return [TokenInfo(**row._mapping) for row in connection.execute(_LIST)]


def revoke(connection: Connection, token_id: int) -> TokenInfo:
    """Revoke a token for good.

    Raises:
        Missing: there is no such token.
    """
    row: Any = connection.execute(_REVOKE, {"token": token_id}).one_or_none()
    if row is None:
        raise Missing("unknown_token", f"there is no token {token_id}")
    return TokenInfo(**row._mapping)


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
