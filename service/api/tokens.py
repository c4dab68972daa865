"""Making, listing and revoking bearer tokens. Only a token's SHA-256 is stored; it is shown once, when it is made."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from schemas.api import NewToken, Scope, TokenInfo
from service.db.tables import tokens
from service.errors import Missing

_SHOWN = (tokens.c.id, tokens.c.name, tokens.c.scopes, tokens.c.created_at, tokens.c.revoked_at)


def hashed(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def issue(connection: Connection, name: str, scopes: Sequence[Scope], token: str | None = None) -> NewToken:
    """Make a token, or take note of one that was made elsewhere (the embedded stack keeps its own in a file).

    Args:
        connection: in the caller's transaction.
        name: whose it is.
        scopes: what it may do.
        token: the secret; by default a new one with 256 random bits.
    """
    secret = token or f"hol_{secrets.token_urlsafe(32)}"
    statement = insert(tokens).values(name=name, sha256=hashed(secret), scopes=list(scopes)).returning(*_SHOWN)
    info = _info(connection.execute(statement).one())
    return NewToken(token=secret, **info.model_dump())


def listed(connection: Connection) -> list[TokenInfo]:
    """Every token, oldest first."""
    return [_info(row) for row in connection.execute(select(*_SHOWN).order_by(tokens.c.id))]


def revoke(connection: Connection, token_id: int) -> TokenInfo:
    """End a token. Revoking twice keeps the first moment.

    Raises:
        Missing: there is no such token.
    """
    moment = func.coalesce(tokens.c.revoked_at, func.now())
    statement = update(tokens).where(tokens.c.id == token_id).values(revoked_at=moment).returning(*_SHOWN)
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise Missing("not_found", f"there is no token {token_id}; GET /v1/tokens lists them")
    return _info(row)


def _info(row: Row[Any]) -> TokenInfo:
    return TokenInfo.model_validate(dict(row._mapping))
