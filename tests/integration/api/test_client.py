"""The client against the real API: the shared contract, and what only a real service can refuse."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holonomy import Client, Idx, NotFound, Training, Unauthorized
from tests.support.contracts_client import ClientContract, any_diagnostic


@pytest.fixture
def client(api) -> Iterator[Client]:
    with Client(api.url, api.token("read", "submit", "admin")) as made:
        yield made


class TestContract(ClientContract):
    """The shared contract."""


def test_a_token_may_do_what_its_scopes_say(api, client: Client) -> None:
    reader = Client(api.url, client.tokens.create("reader", ("read",)).token)
    assert reader.status().version
    with pytest.raises(Unauthorized, match="submit"):
        reader.submit(any_diagnostic())
    with pytest.raises(Unauthorized):
        Client(api.url, "wrong").status()


def test_a_dataset_that_is_not_there_is_refused(client: Client) -> None:
    with pytest.raises(NotFound, match="no dataset of digest `0000"):
        client.submit(Training(data=Idx(digest="0" * 64), steps=1))


def test_mnist_is_imported_and_pinned_by_its_digest(client: Client, mnist_folder: Path) -> None:
    dataset = client.data.import_idx("mnist", mnist_folder)
    assert [(shard.split, shard.count) for shard in dataset.manifest.shards] == [
        ("train", 42_739),
        ("train", 17_261),
        ("test", 10_000),
    ]
    job = client.submit(Training(data=Idx(name="mnist"), steps=1))
    assert job.detail().spec.data == Idx(digest=dataset.digest)
