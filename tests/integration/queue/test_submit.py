"""A spec becomes one job; what cannot run is refused before anything is written."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from schemas.blocks import ArrayInfo, BlockRecord, ObjectRef
from schemas.brackets import Brackets
from schemas.data import First, Idx, Images, LabelControls
from schemas.datasets import DatasetImport, IdxManifest, ImagesManifest, Pictures, Shard
from schemas.diagnostic import Diagnostic
from schemas.losses import BinaryCrossEntropy
from schemas.models import Mlp
from schemas.perturbations import Gaussian
from schemas.replicas import Arm, Replicas
from schemas.states import JobState
from schemas.targets import SavedDirection
from schemas.training import Training
from service.errors import Conflict, Missing, Refused
from service.queue import datasets
from service.queue.cancel import cancel
from service.queue.commit import Done

TRAINING = Training(steps=4, checkpoints=(0, 2))
BRACKETS = Brackets(training=TRAINING, examples=First(count=4))
MANIFEST = IdxManifest(
    shape=(4, 4),
    labels=("a", "b", "c"),
    shards=(
        Shard(sha256="1" * 64, size_bytes=10, split="train", count=30),
        Shard(sha256="2" * 64, size_bytes=10, split="test", count=5),
    ),
)
FACES = ImagesManifest(
    channels=3,
    height=4,
    width=4,
    labels=("a", "b"),
    label_kind="independent",
    preparation=Pictures(source="celeba", crop=None, size=4, decoder="none"),
    shards=MANIFEST.shards,
)


def _import(desk, name="shapes", manifest=MANIFEST):
    with desk.engine.begin() as connection:
        return datasets.register(connection, DatasetImport(name=name, manifest=manifest))


def test_eight_threads_make_one_job(desk):
    barrier = Barrier(8)

    def submit(_):
        barrier.wait()
        return desk.submitted(BRACKETS)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(submit, range(8)))
    assert len({job_id for job_id, _ in answers}) == 1
    assert sorted(created for _, created in answers) == [False] * 7 + [True]
    assert desk.sql("select count(*) as n from jobs")[0].n == 2


def test_threads_that_submit_children_and_parents_share_one_training_run(desk):
    barrier = Barrier(8)
    specs = [TRAINING if k % 2 else BRACKETS.model_copy(update={"examples": First(count=2 + k)}) for k in range(8)]

    def submit(spec):
        barrier.wait()
        return desk.submit(spec)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(submit, specs))
    [training] = desk.sql("select id, implicit from jobs where kind = 'training'")
    assert training.implicit is False
    assert {row.parent_id for row in desk.sql("select parent_id from job_parents")} == {training.id}


def test_eight_threads_asking_for_fresh_jobs_get_eight(desk):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: desk.submitted(TRAINING, fresh=True), range(8)))
    assert len({job_id for job_id, _ in answers}) == 8
    assert desk.sql("select count(*) as n from jobs where latest")[0].n == 1


def test_the_same_spec_gives_the_same_job_unless_fresh(desk):
    first = desk.submitted(TRAINING, name="one")
    assert desk.submitted(TRAINING, name="two", priority=3) == (first[0], False)
    fresh, created = desk.submitted(TRAINING, fresh=True)
    assert created
    assert fresh != first[0]
    assert desk.submitted(TRAINING) == (fresh, False)


def test_an_idempotency_key_answers_as_before_even_for_fresh(desk):
    first = desk.submitted(TRAINING, key="k", fresh=True)
    assert desk.submitted(TRAINING, key="k", fresh=True) == (first[0], False)
    with pytest.raises(Conflict, match="another submission, that of job 1"):
        desk.submitted(Diagnostic(), key="k")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: desk.submitted(TRAINING, key="j", fresh=True), range(8)))
    assert sum(created for _, created in answers) == 1


def test_a_finished_parent_is_reused_and_an_implicit_one_adopted(desk):
    child = desk.submit(BRACKETS)
    assert desk.job(child).parents == (1,)
    assert desk.job(child).reason != ""
    assert desk.sql("select implicit from jobs where id = 1")[0].implicit is True
    assert desk.submitted(TRAINING, name="mine") == (1, False)
    parent = desk.sql("select implicit, name from jobs where id = 1")[0]
    assert (parent.implicit, parent.name) == (False, "mine")


def test_a_cancelled_parent_is_restarted(desk):
    parent = desk.submit(TRAINING)
    with desk.engine.begin() as connection:
        cancel(connection, parent)
    child = desk.submit(BRACKETS)
    assert desk.job(child).parents == (parent,)
    assert desk.job(parent).state == JobState.QUEUED


def test_a_failed_parent_is_reported(desk):
    desk.start(TRAINING)
    [block] = desk.claim()
    desk.commit(desk.broken(block, "user", "loss is NaN at step 3"))
    with pytest.raises(Conflict, match="job 1, the training run that this needs, failed: loss is NaN at step 3"):
        desk.submit(BRACKETS)
    assert desk.sql("select count(*) as n from jobs")[0].n == 1


def test_an_urgent_child_hurries_its_parent(desk):
    parent = desk.start(TRAINING)
    desk.submit(BRACKETS, priority=5)
    assert desk.job(parent).priority == 5
    assert {row.priority for row in desk.sql("select priority from blocks")} == {5}


def test_names_of_datasets_are_pinned_to_digests(desk):
    imported = _import(desk)
    job_id = desk.submit(Training(steps=1, data=Idx(name="shapes")))
    assert desk.submitted(Training(steps=1, data=Idx(digest=imported.digest))) == (job_id, False)
    arms = [Arm(perturbations=[Gaussian(epsilon=0.1, scale="global")])]
    replicas = desk.submit(Replicas(training=Training(steps=1, data=Idx(name="shapes")), arms=arms))
    pinned = Replicas(training=Training(steps=1, data=Idx(digest=imported.digest)), arms=arms)
    assert desk.submitted(pinned) == (replicas, False)
    other = MANIFEST.model_copy(update={"labels": ("a", "b", "d")})
    _import(desk, manifest=other)
    assert desk.submitted(Training(steps=1, data=Idx(name="shapes")))[1] is True
    [named] = _listed(desk)
    assert (named.name, named.manifest) == ("shapes", other)


def test_unknown_datasets_are_refused_with_the_names_there_are(desk):
    with pytest.raises(Missing, match="none is imported yet"):
        desk.submit(Training(steps=1, data=Idx(name="mnist")))
    _import(desk)
    _import(desk, name="others")
    with pytest.raises(Missing, match="no dataset of name `mnist` \\(known names: others, shapes\\)"):
        desk.submit(Training(steps=1, data=Idx(name="mnist")))
    with pytest.raises(Missing, match="no dataset of digest"):
        desk.submit(BRACKETS.model_copy(update={"training": Training(steps=1, data=Idx(digest="f" * 64))}))


def test_specs_that_do_not_fit_their_data_are_refused(desk):
    _import(desk)
    data = Idx(name="shapes")
    with pytest.raises(Refused, match="10 outputs but the dataset has 3 labels"):
        desk.submit(Training(steps=1, data=data, model=Mlp(outputs=10)))
    with pytest.raises(Refused, match="the train split has 30 examples"):
        desk.submit(Brackets(training=Training(steps=1, data=data), examples=First(count=31)))
    assert desk.sql("select count(*) as n from jobs")[0].n == 0


def test_the_kind_and_the_labels_that_a_spec_names_must_be_there(desk):
    _import(desk)
    with pytest.raises(Refused, match="`shapes` was imported as idx: say `kind: idx` where the spec names it"):
        desk.submit(Training(steps=1, data=Images(name="shapes")))
    _import(desk, name="faces", manifest=FACES)
    with pytest.raises(Refused, match="the dataset has no label 'z'; it has a, b"):
        desk.submit(Training(steps=1, data=Images(name="faces", labels=("z",)), loss=BinaryCrossEntropy()))
    with pytest.raises(Refused, match="`mean` has 2 values but the images have 3 channels"):
        desk.submit(Training(steps=1, data=Images(name="faces", mean=(0.5, 0.5)), loss=BinaryCrossEntropy()))
    controlled = Images(name="faces", controls=LabelControls(pair=("a", "b")))
    with pytest.raises(Refused, match="2 outputs but the dataset has 8 labels"):
        desk.submit(Training(steps=1, data=controlled, model=Mlp(outputs=2), loss=BinaryCrossEntropy()))
    assert desk.submit(Training(steps=1, data=controlled, model=Mlp(outputs=8), loss=BinaryCrossEntropy()))


def test_a_billion_blocks_are_refused_with_the_arithmetic(desk):
    with pytest.raises(Refused, match=r"1,000,000 blocks.*1,000,000,000"):
        desk.submit(Diagnostic(blocks=10**9))
    assert desk.sql("select count(*) as n from jobs")[0].n == 0


def _listed(desk):
    with desk.engine.connect() as connection:
        return datasets.listed(connection)


def test_saved_directions_must_be_stored(desk):
    source = desk.start(TRAINING)

    def submit(**target):
        saved = SavedDirection(job_id=target.pop("job_id", source), object="checkpoints/000000000", **target)
        return desk.submit(BRACKETS.model_copy(update={"projections": (saved,)}))

    with pytest.raises(Missing, match="names job 999, and there is none"):
        submit(job_id=999)
    with pytest.raises(
        Missing, match=rf"of job {source} \(training, running\), which has none of that name: submit again"
    ):
        submit()
    [block] = desk.claim()
    arrays = {"parameters/0.weight": ArrayInfo(dtype="F32", shape=(4, 5))}
    stored = ObjectRef(name="checkpoints/000000000", key="k", sha256="0" * 64, size_bytes=1, arrays=arrays)
    record = BlockRecord(objects=(stored,)).model_dump_json()
    desk.commit(Done(block.block_id, block.job_id, block.token, record, {}))
    with pytest.raises(Refused, match=r"needs arrays `kept/…` in object .* has parameters/: give another prefix"):
        submit()
    with pytest.raises(Refused, match=r"names position 4 .* hold 4, numbered from 0: give a smaller one, or none"):
        submit(prefix="parameters/", position=4)
    assert submit(prefix="parameters/", position=None) > source
