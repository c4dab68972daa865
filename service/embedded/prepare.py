"""`python -m service.embedded.prepare`: bring the schema up to date, make the reading role, the bucket and a token.

Every step looks first: running it again changes nothing.
"""

import os
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.administration import reader_credentials
from service.db.engine import connect, normalised
from service.db.migrate import upgrade
from service.embedded.environment import TOKEN_FILE
from service.embedded.secret_files import kept_secret
from service.queue.tokens import create
from service.settings import Settings

_BUCKET_PATIENCE_SECONDS = 45.0


def ensure_token(url: str, path: Path) -> None:
    """Make the owner's token in `path`, if there is none, and see to it that the database knows it."""
    secret = kept_secret(path)
    engine = connect(url, application="holonomy prepare", pool_size=1)
    try:
        with engine.begin() as connection:
            create(connection, "owner of this stack", ("read", "submit", "admin"), secret=secret)
    finally:
        engine.dispose()


def ensure_bucket(name: str, patience_seconds: float = _BUCKET_PATIENCE_SECONDS) -> None:
    """Make the bucket if it is not there, waiting for the S3 server to come up.

    Raises:
        BotoCoreError: the server did not answer in time.
        ClientError: it refused.
    """
    deadline = time.monotonic() + patience_seconds
    client = boto3.client("s3", config=Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}))
    while True:
        try:
            if name not in (bucket["Name"] for bucket in client.list_buckets()["Buckets"]):
                client.create_bucket(Bucket=name)
            return
        except (BotoCoreError, ClientError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def main() -> int:
    """Prepare what the settings name; 2 when they name nothing."""
    settings = Settings()
    if (
        settings.database_url is None
        or settings.reader_database_url is None
        or settings.s3_bucket is None
        or TOKEN_FILE not in os.environ
    ):
        sys.stderr.write(
            "expected HOLONOMY_DATABASE_URL, HOLONOMY_READER_DATABASE_URL, HOLONOMY_S3_BUCKET and "
            f"{TOKEN_FILE}, not all are set\n"
        )
        return 2
    url = settings.database_url.get_secret_value()
    upgrade(url)
    reader_credentials(url, str(normalised(settings.reader_database_url.get_secret_value()).password))
    ensure_token(url, Path(os.environ[TOKEN_FILE]))
    ensure_bucket(settings.s3_bucket)
    return 0


if __name__ == "__main__":
    sys.exit(main())
