import pytest

from schemas.data import Digits, RegistryData
from schemas.looks import Every, LogSpaced
from schemas.models import Mlp
from schemas.perturbations import DropExample, Gaussian, GradientMove, ReplaceExample, Seat, SwapExamples
from schemas.replicas import Arm, Bootstrap, Lyapunov, Measures, Replicas
from schemas.training import Training
from service.errors import Refused
from service.planner.limits import check
from service.planner.size import data_size

DIGITS = data_size(Digits(), None)
NOISE = Gaussian(epsilon=0.1, scale="global")


def job(*perturbations, replicas=10, training=None, **changes):
    run = Training(**({"steps": 10} | (training or {})))
    arm = Arm(name="a", perturbations=perturbations or [NOISE], replicas=replicas)
    return Replicas(training=run, arms=[arm], **changes)


def refused(spec, match, data=DIGITS):
    with pytest.raises(Refused, match=match) as caught:
        check(spec, data)
    return caught.value.code


@pytest.mark.parametrize(
    ("perturbation", "words"),
    [
        (
            DropExample(example=1437),
            r"arm a: drop_example reaches index 1,437 but the train split has 1,437 examples",
        ),
        (ReplaceExample(example=3, by=9999), "arm a: replace_example reaches index 9,999"),
        (GradientMove(epsilon=1, scale="global", examples=[1437]), "arm a: the batch of a gradient move reaches"),
        (
            SwapExamples(first=Seat(step=1, position=0), second=Seat(step=2, position=64)),
            "place 64 of step 2, whose batch has 64",
        ),
    ],
    ids=["drop", "replace", "gradient", "seat"],
)
def test_perturbations_of_what_is_not_there(perturbation, words):
    assert refused(job(perturbation), words) == "out_of_range"
    unknown = data_size(RegistryData(name="x"), None)
    check(job(perturbation), unknown)  # left to the workers


MOST_RESAMPLES = Bootstrap(resamples=100_000)
EVERY_STEP = Lyapunov(exponents=64, every=1)
WIDE = {"model": Mlp(hidden=(4096, 4096))}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            job(looks=Every(steps=1), training={"steps": 1_000_000}),
            "looked at 100,000 times at most; this job asks for 1,000,002 looks: take looks further apart",
        ),
        (
            job(replicas=10_000, looks=Every(steps=1), training={"steps": 500}),
            r"at most 5,000,000 looks at single replicas; this one has 503 looks × 10,000 replicas = 5,030,000: ",
        ),
        (
            job(replicas=400, training={"steps": 1_000_000, "model": Mlp(hidden=(8,) * 30)}),
            r"10,003 looks × 400 replicas × 62 tensors = 248,074,400: .* or leave measures.tensors off",
        ),
        (
            job(looks=Every(steps=1), training={"steps": 50_000}, replicas=1),
            r"rows of statistics over replicas; this one has 50,003 looks × 1 arms × 23 metrics = 1,150,069: ",
        ),
        (
            job(autocorrelation=True, training={"steps": 999, "checkpoints": tuple(range(1_000))}, replicas=1),
            r"rows of autocorrelations; this one has 1 arms × 2 × 1,000 × 1,001 / 2 pairs of checkpoints = 1,001,000",
        ),
        (
            job(training=WIDE | {"batch_size": 1_000_000, "steps": 1}),
            r"a baseline, its twin and one replica together, in at most 68,719,476,736 bytes; these take 3 × ",
        ),
        (
            job(replicas=1_000, training=WIDE | {"steps": 40, "checkpoints": tuple(range(40))}),
            r"states of 1,000 replicas × 41 checkpoints × 68,354,088 bytes = ",
        ),
        (
            job(replicas=1_000, group_size=1, training={"steps": 300, "checkpoints": tuple(range(300))}),
            r"1 × 1,000 groups × 301 checkpoints = 301,000: take a larger group_size or fewer checkpoints",
        ),
        (
            # A member takes so much memory that each group holds one replica; its state is small.
            job(
                replicas=1_000,
                training={"steps": 300, "checkpoints": range(300), "batch_size": 400_000, "model": Mlp(hidden=(99,))},
            ),
            r"1 × 1,000 groups × 301 checkpoints = 301,000: take fewer checkpoints",
        ),
        (
            job(training={"steps": 10_000_000, "batch_size": 8}, looks=LogSpaced(), lyapunov=EVERY_STEP),
            r"10,000,000 orthonormalisations × 64 exponents = 640,000,000: take a larger lyapunov.every or fewer",
        ),
        (
            job(replicas=1_000, looks=Every(steps=1), bootstrap=MOST_RESAMPLES, training={"steps": 1_000}),
            r"1,003 looks × 1,000 replicas × 23 metrics × 100,000 resamples = 2,306,900,000,000: take fewer",
        ),
    ],
    ids=[
        "looks",
        "rows",
        "tensors",
        "statistics",
        "autocorrelations",
        "memory",
        "states",
        "objects",
        "groups",
        "exponents",
        "resamples",
    ],
)
def test_jobs_beyond_the_limits(spec, words):
    assert refused(spec, words) == "too_large"


def test_the_run_is_checked_as_any_other():
    spec = job(training={"batch_size": 1_000_000, "steps": 10_000_000}, looks=LogSpaced())
    assert refused(spec, "a batch schedule has at most") == "too_large"


def test_what_is_within_the_limits_passes():
    check(job(DropExample(example=1436), measures=Measures(test_examples="all", train_examples=10**6)), DIGITS)
    check(job(replicas=10_000, looks=LogSpaced(), training={"steps": 100_000}), DIGITS)
