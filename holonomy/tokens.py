"""Tokens of the service; all of this needs the scope `admin`."""

from collections.abc import Sequence

from holonomy.checked import checked
from holonomy.connection import Connection
from schemas.api import NewToken, Scope, TokenInfo, TokenRequest

DEFAULT_SCOPES: tuple[Scope, ...] = ("read", "submit")


def token_request(name: str, scopes: Sequence[str]) -> TokenRequest:
    """The request for a token, checked.

    Raises:
        Refused: the name is empty or too long, or a scope is not one of read, submit, admin.
    """
    return checked(TokenRequest, {"name": name, "scopes": tuple(scopes)})


class Tokens:
    """Who may do what."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(self, name: str, scopes: Sequence[str] = DEFAULT_SCOPES) -> NewToken:
        """Make a token. Its secret is in this answer and nowhere else.

        Raises:
            Refused: a scope is not one of read, submit, admin.
            Unauthorized: the own token lacks the scope `admin`.
        """
        return self._connection.post("/v1/tokens", NewToken, token_request(name, scopes))

    def list(self) -> tuple[TokenInfo, ...]:
        """Every token, without secrets."""
        return self._connection.get("/v1/tokens", tuple[TokenInfo, ...])

    def revoke(self, token_id: int) -> None:
        """Make a token worthless at once."""
        self._connection.delete(f"/v1/tokens/{token_id}")
