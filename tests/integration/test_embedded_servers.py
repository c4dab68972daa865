"""The servers of the embedded stack: they come up, survive being killed, keep their data, and leave nothing."""

import os
import signal
from contextlib import closing

import boto3
import psycopg2
from botocore.exceptions import ClientError

from service.embedded.postgres import Postgres
from service.embedded.ray_head import RayHead
from service.embedded.seaweedfs import SeaweedFS


def _kill(server: Postgres | SeaweedFS | RayHead) -> None:
    assert server.process is not None
    os.kill(server.pid, signal.SIGKILL)
    server.process.wait()


def test_postgres_keeps_committed_rows_when_killed(postgres_server: Postgres, postgres_url: str) -> None:
    with closing(psycopg2.connect(postgres_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("create table kept (value int); insert into kept values (42)")
    _kill(postgres_server)
    postgres_server.start()
    with closing(psycopg2.connect(postgres_url)) as connection, connection.cursor() as cursor:
        cursor.execute("select value from kept")
        assert cursor.fetchall() == [(42,)]


def test_bucket_and_its_environment(s3_bucket) -> None:
    client = boto3.client("s3")
    client.put_object(Bucket=s3_bucket.name, Key="a", Body=b"1", IfNoneMatch="*")
    try:
        client.put_object(Bucket=s3_bucket.name, Key="a", Body=b"2", IfNoneMatch="*")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "PreconditionFailed"
    assert client.get_object(Bucket=s3_bucket.name, Key="a")["Body"].read() == b"1"


def test_ray_runs_a_task(ray_cluster: RayHead) -> None:
    assert ray_cluster.ready()
