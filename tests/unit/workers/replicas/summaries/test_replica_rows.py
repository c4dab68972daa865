import numpy as np

from schemas.perturbations import Gaussian, Reshuffle
from schemas.replica_results import REPLICAS
from schemas.replicas import Arm, Replicas
from schemas.training import Training
from workers.replicas.summaries.looks import Looks, Twin
from workers.replicas.summaries.replica_rows import replica_rows


def test_replicas_come_first_and_a_twin_of_every_group_after_them() -> None:
    spec = Replicas(
        training=Training(steps=9),
        arms=(
            Arm(name="noise", perturbations=(Gaussian(epsilon=0.2, scale="global"),), replicas=2),
            Arm(name="order", perturbations=(Reshuffle(after=3),), replicas=1),
        ),
    )
    still, moved = np.zeros(2), np.array([0.0, 1e-9])
    looks = Looks(
        steps=np.array([0, 9]),
        metrics={"distance": np.array([[0.5, 0.5, 0.0], [0.7, np.nan, 0.3]])},
        groups=np.array([0, 0, 1]),
        first_moves=np.array([0.5, 0.5, np.nan]),
        diverged_steps=np.array([-1, 9, -1]),
        twins=(Twin(0, still, -1, (b"a",), (b"a",)), Twin(1, moved, -1, (b"a",), (b"a",))),
    )
    assert {name: list(values) for name, values in replica_rows(spec, looks).items()} == {
        "replica": [0, 1, 2, -1, -2],
        "arm": ["noise", "noise", "order", "twin", "twin"],
        "number": [0, 1, 0, 0, 1],
        "group_number": [0, 0, 1, 0, 1],
        "epsilon": [0.2, 0.2, None, 0.0, 0.0],
        "start_distance": [0.5, 0.5, None, None, None],
        "distance": [0.7, None, 0.3, 0.0, 1e-9],
        "diverged_step": [None, 9, None, None, None],
        "floor_held": [True, True, False, True, False],
    }
    assert list(replica_rows(spec, looks)) == [column.name for column in REPLICAS.columns]
