"""Bearer tokens."""

from fastapi import APIRouter

from schemas.api import NewToken, TokenInfo
from service.api.backend import Services
from service.api.bodies import TokenBody
from service.api.identity import Admin
from service.api.parameters import Number
from service.api.problems import documented
from service.queue import tokens

router = APIRouter(prefix="/v1/tokens", tags=["tokens"])


@router.post("", status_code=201, responses=documented("invalid"))
def make_token(request: TokenBody, services: Services, _: Admin) -> NewToken:
    """Make a token. The secret is in this answer and nowhere else."""
    with services.engine.begin() as connection:
        return tokens.create(connection, request.name, request.scopes)


@router.get("")
def list_tokens(services: Services, _: Admin) -> list[TokenInfo]:
    """Every token, without its secret."""
    with services.engine.connect() as connection:
        return tokens.listed(connection)


@router.delete("/{token_id}", responses=documented("not_found", "invalid"))
def revoke_token(token_id: Number, services: Services, _: Admin) -> TokenInfo:
    """Revoke a token: it stops working at once."""
    with services.engine.begin() as connection:
        return tokens.revoke(connection, token_id)
