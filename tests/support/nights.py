"""Finished bracket jobs over learning rates and seeds in the fake service, to be held against each other."""

from collections.abc import Mapping, Sequence

import polars

from holonomy import Brackets, Client, JobHandle, Sgd, Training
from holonomy.compare.sides import Member, Side, side
from schemas.states import JobState
from tests.support.fake_service import World

STEP = 9


def night(
    client: Client,
    world: World,
    medians: Mapping[float, Sequence[float | None]],
    *,
    first_seed: int = 0,
    momentum: float = 0.0,
) -> list[JobHandle]:
    """One job for each learning rate and median defect; seeds are counted from the first."""
    jobs = list[JobHandle]()
    for lr, values in medians.items():
        for seed, value in enumerate(values, start=first_seed):
            training = Training(steps=STEP, optimizer=Sgd(lr=lr, momentum=momentum), seed=seed)
            job = client.submit(Brackets(training=training, examples=range(4)), fresh=True)
            world.tables[f"{job.id}/defects"] = polars.DataFrame(
                {"step": [STEP], "median": [value]}, schema_overrides={"median": polars.Float64}
            )
            world.tables[f"{job.id}/tensors"] = polars.DataFrame(
                {"step": [STEP] * 2, "bracket_rms": [3.0, 3.0], "numel": [10, 20]}
            )
            world.move(job.id, JobState.DONE)
            jobs.append(client.job(job.id))
    return jobs


def named(client: Client, name: str, jobs: Sequence[JobHandle]) -> Side:
    """Jobs as a side."""
    return side(name, [Member(job, job.detail().spec) for job in jobs], client)
