"""`holonomy token`."""

from typing import Annotated, get_args

import typer

from holonomy.cli.faults import reported
from holonomy.cli.jobs import AsJson
from holonomy.cli.output import print_json, show, tell
from holonomy.cli.render import token_table
from holonomy.client import Client
from holonomy.tokens import DEFAULT_SCOPES
from schemas.api import NewToken, Scope

ScopeOption = Annotated[
    list[str] | None,
    typer.Option(help=f"One of {', '.join(get_args(Scope))}; repeatable. By default read and submit."),
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(name="token", help="Make, list and revoke tokens (scope admin).", no_args_is_help=True)
    group.command("create")(reported(create))
    group.command("list")(reported(list_))
    group.command("revoke")(reported(revoke))
    app.add_typer(group)


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is.")],
    scope: ScopeOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it; it is shown this once."""
    with Client() as client:
        show_new(client.tokens.create(name, scope or DEFAULT_SCOPES), as_json)


def list_(as_json: AsJson = False) -> None:
    """List tokens, without their secrets."""
    with Client() as client:
        tokens = client.tokens.list()
    if as_json:
        print_json(tokens)
    else:
        show(token_table(tokens))


def revoke(
    token: Annotated[int, typer.Argument(metavar="TOKEN", help="Number of the token, from `holonomy token list`.")],
) -> None:
    """Make a token worthless at once."""
    with Client() as client:
        client.tokens.revoke(token)
    tell(f"token {token} is revoked")


def show_new(token: NewToken, as_json: bool) -> None:
    """Print a token, the secret alone on standard output."""
    if as_json:
        print_json(token)
    else:
        tell(f"token {token.id} for {token.name} ({', '.join(token.scopes)}); it is shown this once:")
        typer.echo(token.token)
