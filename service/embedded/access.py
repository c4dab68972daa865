"""How to reach the parts of a running stack directly: the environment that its own API and dispatcher have."""

from service.db import reader
from service.embedded.home import Home
from service.embedded.ray_head import driver_environment
from service.embedded.seaweedfs import kept_credentials
from service.embedded.secret_files import kept_secret
from service.embedded.state import State


def database_url(home: Home, state: State) -> str:
    """Address of the database with its password."""
    password = kept_secret(home.secrets / "postgres.password")
    return state.database.replace("@", f":{password}@", 1)


def reader_url(home: Home, state: State) -> str:
    """Address of the database for the role that may only read results, with its password."""
    return reader.reader_url(state.database, kept_secret(home.reader_password))


def environment(home: Home, state: State) -> dict[str, str]:
    """The variables with which the service's own programs, boto3 and Ray find this stack."""
    return {
        **kept_credentials(home.secrets / "s3.json").environment(state.s3_endpoint),
        **driver_environment(state.ray_address, home.secrets / "ray.token"),
        "HOLONOMY_S3_BUCKET": state.bucket,
        "HOLONOMY_DATABASE_URL": database_url(home, state),
        "HOLONOMY_READER_DATABASE_URL": reader_url(home, state),
        "HOLONOMY_HOME": str(home.path),
    }
