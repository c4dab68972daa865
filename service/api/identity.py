"""Who asks, and what they may do: bearer tokens and their scopes.

A token is random and stored as its SHA-256. It is looked up by that hash, so no secret is compared byte by byte and
the time of the answer tells nothing about it. Scopes include the ones below them: admin may submit, submit may read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from schemas.api import Scope
from service.api.backend import Services
from service.api.problems import ProblemError
from service.queue import tokens

_INCLUDED: dict[Scope, frozenset[Scope]] = {
    "read": frozenset({"read"}),
    "submit": frozenset({"read", "submit"}),
    "admin": frozenset({"read", "submit", "admin"}),
}
_LONGEST_TOKEN = 512

bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="`Authorization: Bearer <token>`. `holonomy up` writes a first token into a file of mode 0600; "
    "more are made with `POST /v1/tokens`.",
)


@dataclass(frozen=True)
class Identity:
    """The holder of a valid token."""

    token_id: int
    name: str
    scopes: frozenset[Scope]


def granted(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """The scopes with all they include."""
    return frozenset[Scope]().union(*(_INCLUDED[scope] for scope in scopes))


def identify(
    needed: SecurityScopes,
    services: Services,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Identity:
    """The holder of the request's token.

    Raises:
        ProblemError: 401 without a valid token, 403 when it lacks a scope.
    """
    if credentials is None:
        raise _unauthorized("send a token as `Authorization: Bearer …`; the client sends the one in HOLONOMY_TOKEN")
    secret = credentials.credentials
    if len(secret) > _LONGEST_TOKEN:
        raise _unauthorized(f"a token has at most {_LONGEST_TOKEN} characters; {len(secret)} came")
    with services.engine.connect() as connection:
        token = tokens.find(connection, secret)
    if token is None:
        raise _unauthorized("the token is not known here, or was revoked: check HOLONOMY_TOKEN, or ask for a new one")
    identity = Identity(token.id, token.name, granted(token.scopes))
    missing = [scope for scope in needed.scopes if scope not in identity.scopes]
    if missing:
        raise ProblemError(
            "forbidden",
            f"this needs a token with scope {missing[0]}; the token {token.name!r} has {', '.join(token.scopes)}",
        )
    return identity


def _unauthorized(detail: str) -> ProblemError:
    return ProblemError("unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


Reader = Annotated[Identity, Security(identify, scopes=["read"])]
Submitter = Annotated[Identity, Security(identify, scopes=["submit"])]
Admin = Annotated[Identity, Security(identify, scopes=["admin"])]
