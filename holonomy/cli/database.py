"""`holonomy db`: what needs the database's address rather than a token."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from holonomy.cli.faults import reported
from holonomy.cli.jobs import AsJson
from holonomy.cli.output import console
from holonomy.cli.stack import needs_embedded
from holonomy.cli.tokens import ScopeOption, show_new
from holonomy.errors import ServiceFault, Unconfigured
from holonomy.tokens import DEFAULT_SCOPES, token_request

VARIABLE = "HOLONOMY_DATABASE_URL"


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        name="db", help=f"The database itself: the one {VARIABLE} names, else the embedded one.", no_args_is_help=True
    )
    group.command("upgrade")(reported(upgrade))
    group.command("token")(reported(token))
    app.add_typer(group)


def upgrade() -> None:
    """Bring the database's schema up to this version. Safe to run from several hosts at once."""
    with _database() as url:
        from service.administration import upgraded

        console().print(upgraded(url))


def token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is.")],
    scope: ScopeOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a token without having one, such as the first of an installation; it is shown this once."""
    request = token_request(name, scope or DEFAULT_SCOPES)
    with _database() as url:
        from service.administration import new_token

        show_new(new_token(url, request.name, request.scopes), as_json)


@contextmanager
def _database() -> Iterator[str]:
    """The database's address; what goes wrong with it is one line."""
    from service.errors import ServiceError

    url = os.environ.get(VARIABLE) or _embedded()
    try:
        yield url
    except ModuleNotFoundError as error:
        raise Unconfigured(
            f"this needs the service: pip install 'holonomy[service]' ({error.name} is missing)"
        ) from None
    except ValueError as error:
        raise Unconfigured(f"{VARIABLE}: {error}") from None
    except ServiceError as error:
        raise ServiceFault(str(error)) from None


def _embedded() -> str:
    with needs_embedded():
        from service.embedded import access
        from service.embedded.home import Home, state_folder
        from service.embedded.state import read_state

        home = Home(state_folder())
        state = read_state(home)
        if state is None or state.supervisor.find() is None:
            raise Unconfigured(f"no database: set {VARIABLE}, or start the embedded one with `holonomy up`")
        return access.database_url(home, state)
