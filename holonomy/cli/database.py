"""`holonomy db`: what needs the database's address rather than a token."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

from holonomy.cli.faults import reported
from holonomy.cli.jobs import AsJson
from holonomy.cli.output import console, print_json, tell
from holonomy.cli.stack import needs_embedded
from holonomy.cli.tokens import ScopeOption, show_new
from holonomy.errors import Refused, ServiceFault, Unconfigured
from holonomy.tokens import DEFAULT_SCOPES, token_request

VARIABLE = "HOLONOMY_DATABASE_URL"
READER_VARIABLE = "HOLONOMY_READER_DATABASE_URL"


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        name="db", help=f"The database itself: the one {VARIABLE} names, else the embedded one.", no_args_is_help=True
    )
    group.command("upgrade")(reported(upgrade))
    group.command("token")(reported(token))
    group.command("credentials")(reported(credentials))
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


def credentials(
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Those of the role that may only read results; there are no others.")
    ] = False,
    rotate: Annotated[
        bool,
        typer.Option("--rotate", help="Give the role a new password; the old one is worth nothing from then on."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the address under which any Postgres tool may read the results, with its password."""
    if not read_only:
        raise Refused("only credentials that cannot write are handed out: add --read-only")
    known = os.environ.get(READER_VARIABLE)
    if known and not rotate:
        show_credentials(known, as_json)
        return
    with _database() as url:
        from service.administration import reader_credentials

        password = None if os.environ.get(VARIABLE) else _embedded_password(new=rotate)
        show_credentials(reader_credentials(url, password, rotate=rotate), as_json)
    if rotate:
        tell(f"set {READER_VARIABLE} to this for the API and start it again; in the embedded stack, start that again")


def show_credentials(url: str, as_json: bool) -> None:
    """Print an address with a password; how to use it goes to standard error."""
    parts = urlsplit(url)
    if as_json:
        print_json(
            {
                "url": url,
                "host": parts.hostname,
                "port": parts.port or 5432,
                "database": parts.path.removeprefix("/"),
                "user": parts.username,
                "password": unquote(parts.password or ""),
                "schema": "results",
            }
        )
        return
    typer.echo(url)
    tell(f"psql:  psql '{url}' -c '\\dv+'\nAPI:   {READER_VARIABLE}='{url}'")


@contextmanager
def _database() -> Iterator[str]:
    """The database's address; what goes wrong with it is one line."""
    from service.errors import Refused as ServiceRefused
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
    except ServiceRefused as error:
        raise Refused(error.detail) from None
    except ServiceError as error:
        raise ServiceFault(str(error)) from None


def _embedded_password(*, new: bool) -> str:
    """Password of the embedded stack's reading role; a new one is kept in place of the old."""
    from service.embedded.home import Home, state_folder
    from service.embedded.secret_files import kept_secret

    path = Home(state_folder()).reader_password
    if new:
        path.unlink(missing_ok=True)
    return kept_secret(path)


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
