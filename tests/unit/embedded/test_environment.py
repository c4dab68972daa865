import os

from service.embedded.environment import inherited


def test_other_addresses_and_keys_are_left_behind() -> None:
    caller = {
        "PATH": "/bin",
        "HOLONOMY_LEASE_SECONDS": "5",
        "HOLONOMY_DATABASE_URL": "postgresql://elsewhere/x",
        "HOLONOMY_URL": "http://elsewhere",
        "AWS_PROFILE": "work",
        "RAY_ADDRESS": "elsewhere:6379",
        "PGPASSWORD": "x",
        "no_proxy": "example.org",
    }
    assert inherited(caller) == {
        "PATH": "/bin",
        "HOLONOMY_LEASE_SECONDS": "5",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
