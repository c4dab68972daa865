"""The handle of a replica job: which rows it asks for, and the arms that it names."""

from collections.abc import Callable

import numpy as np
import polars
import pytest

from holonomy import Client, NotStored, Refused, ReplicasJob, ServiceFault, Training
from holonomy.jobs import HANDLES
from schemas.replica_results import REPLICA_TABLES
from tests.support.fake_service import World
from tests.support.replica_tables import SPEC, TABLES


@pytest.fixture
def job(client: Client, world: World) -> ReplicasJob:
    world.tables = dict(TABLES)
    found = client.submit(SPEC)
    assert isinstance(client.job(found.id), ReplicasJob)
    return found


def test_metrics_name_the_arm_of_every_replica(job: ReplicasJob) -> None:
    arms = dict(job.metrics(10).select("replica", "arm").iter_rows())
    assert arms == {-2: "twin", -1: "twin", 0: "near", 1: "near", 2: "other", 3: "other", 4: "other"}
    assert "arm" not in job.metrics(10, columns=["distance"]).columns
    assert job.metrics(10).columns[:3] == ["step", "replica", "arm"]


@pytest.mark.parametrize(("arm", "numbers"), [("near", [0, 1]), ("other", [2, 3, 4]), ("twin", [-2, -1])])
def test_rows_of_an_arm_are_chosen_on_the_server(
    job: ReplicasJob, world: World, arm: str, numbers: list[int]
) -> None:
    assert job.metrics(20, arm)["replica"].to_list() == numbers
    assert any("where=replica" in request for request in world.requests)
    assert job.metrics(20, arm, where="distance >= 1", order_by="-replica", limit=1)["replica"].to_list() == [
        max(numbers)
    ]


def test_an_arm_that_is_not_there_is_named(job: ReplicasJob) -> None:
    with pytest.raises(
        Refused, match=r"job 1 has no arm 'nera'; did you mean 'near'\?; it has: near, other, and twin"
    ):
        job.metrics(arm="nera")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda job: job.replicas(arm="nera"),
            r"no arm 'nera'; did you mean 'near'\?; it has: near, other, and twin$",
        ),
        (lambda job: job.statistics(arm="twin"), "no arm 'twin'; .*it has: near, other$"),
        (lambda job: job.statistics(metric="distence"), r"no metric 'distence'; did you mean 'distance'\?"),
        (lambda job: job.growth(arm="nera"), "no arm 'nera'"),
        (lambda job: job.correlations(arm="nera"), "no arm 'nera'"),
        (lambda job: job.correlations("weight"), "autocorrelations are of weights and logits; came 'weight'"),
    ],
)
def test_what_no_table_has_is_refused(job: ReplicasJob, ask: Callable[[ReplicasJob], object], message: str) -> None:
    with pytest.raises(Refused, match=message):
        ask(job)


def test_curves_are_long_or_wide(job: ReplicasJob) -> None:
    long = job.curves("distance", "near")
    assert long.columns == ["step", "arm", "replica", "value"]
    assert long.filter(replica=1)["value"].to_list() == [1.0, 2.0, 3.0]
    wide = job.curves("distance", wide=True)
    assert wide.columns == ["step", "0", "1", "2", "3", "4"]
    assert wide.row(2) == (20, 2.0, 3.0, 4.0, 5.0, 6.0)
    assert job.curves(arm="twin", wide=True).columns == ["step", "-2", "-1"]
    with pytest.raises(Refused, match=r"no metric 'churns'; did you mean 'churn'\?; there are: distance, "):
        job.curves("churns")


def test_tables_of_arms_are_filtered_by_name(job: ReplicasJob) -> None:
    assert job.replicas("near")["replica"].to_list() == [0, 1]
    assert job.replicas()["replica"][0] == -2
    assert job.statistics("distance", "other", 20)["mean"].to_list() == [2.5]
    assert job.growth("near")["law"].to_list() == ["linear", "sqrt"]


def test_tables_by_replica_take_a_step_and_an_arm(job: ReplicasJob) -> None:
    assert job.alignments(20, "near").select("replica", "arm").rows() == [(0, "near"), (1, "near")]
    assert job.barriers(20, "other")["arm"].unique().to_list() == ["other"]
    assert len(job.barriers(0)) == 0


def test_every_table_has_a_method(job: ReplicasJob, world: World) -> None:
    values = {"int": 0, "float": 0.5, "text": "near", "bool": True}
    for table in REPLICA_TABLES:
        row = {column.name: [values[column.type]] for column in table.columns}
        world.tables[table.name] = polars.DataFrame(row)
    asked = set()
    for method in (
        job.replicas,
        job.metrics,
        job.tensors,
        job.layers,
        job.baseline,
        job.alignments,
        job.barriers,
        job.statistics,
        job.growth,
        job.exponents,
        job.correlations,
        job.stability,
    ):
        world.requests.clear()
        method()
        asked |= {request.split("/tables/")[1].split("?")[0] for request in world.requests if "/tables/" in request}
    assert asked == {table.name for table in REPLICA_TABLES}


def test_states_come_one_network_at_a_time(job: ReplicasJob, world: World) -> None:
    world.arrays = {
        "member?step=20": {"parameters/w": np.zeros(3)},
        "member?step=20&replica=4": {"parameters/w": np.ones(3)},
    }
    np.testing.assert_array_equal(job.state(20)["parameters/w"], np.zeros(3))
    np.testing.assert_array_equal(job.state(20, 4)["parameters/w"], np.ones(3))
    with pytest.raises(NotStored):
        job.state(20, 5)


def test_a_spec_of_another_kind_is_the_services_fault(client: Client) -> None:
    training = client.submit(Training(steps=1))
    disguised = HANDLES["replicas"](training._connection, training.seen)
    with pytest.raises(ServiceFault, match="job 1 came as Training, not as a replica job"):
        disguised.spec  # noqa: B018 - it is a property
