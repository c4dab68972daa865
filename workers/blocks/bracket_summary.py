"""The summary of one checkpoint of a bracket job."""

from collections.abc import Sequence

from torch import Tensor

from schemas.blocks import BracketSummary, ObjectRef
from schemas.brackets import Brackets
from schemas.data import count_examples
from workers.blocks.checkpoints import described, structure
from workers.brackets.functional import trainable
from workers.brackets.outputs import OutputSums
from workers.brackets.summary import OutputFacts, TileSummary, summarise
from workers.context import Context
from workers.errors import BlockFault
from workers.outcome import Finished, Rows


def bracket_summary(
    spec: Brackets, payload: BracketSummary, inputs: Sequence[ObjectRef], context: Context
) -> Finished:
    """Reduce the tiles of a checkpoint to the tables `tensors`, `fits` and, with test examples, `outputs`.

    Raises:
        BlockFault: the tiles do not cover every pair once.
    """
    prefix = f"sums/{payload.step:09d}/"
    refs = sorted((ref for ref in inputs if ref.name.startswith(prefix)), key=lambda ref: ref.name)
    if not refs:
        raise BlockFault(f"the summary needs the objects {prefix}*, it was given {[ref.name for ref in inputs][:5]}")
    model, dataset = structure(spec, context)
    tiles = []
    for ref in refs:
        context.check_cancelled()
        arrays = context.arrays(ref)
        with context.kernel():
            tiles.append(_read(arrays))
    facts = None
    if spec.test_examples is not None:
        facts = OutputFacts(
            labels=dataset.label_names,
            slack=arrays["outputs/slack"].numpy(),
            label_rate=arrays["outputs/label_rate"].numpy(),
            test_examples=count_examples(spec.test_examples),
        )
    named = trainable(model)
    with context.kernel():
        summary = summarise(
            tiles,
            payload.step,
            names=list(named),
            sizes=[parameter.numel() for parameter in named.values()],
            N=count_examples(spec.examples),
            facts=facts,
        )
    rows: dict[str, Rows] = {"tensors": summary.tensors, "fits": summary.fits}
    if summary.outputs is not None:
        rows["outputs"] = summary.outputs
    return Finished(data=summary.data | described(spec, dataset), rows=rows)


def _read(arrays: dict[str, Tensor]) -> TileSummary:
    defects = arrays["defect"].numpy()
    outputs = None
    if "outputs/square_sum" in arrays:
        outputs = OutputSums(
            pairs=len(defects),
            square_sum=arrays["outputs/square_sum"].numpy(),
            largest=arrays["outputs/largest"].numpy(),
            probability_square_sum=arrays["outputs/probability_square_sum"].numpy(),
        )
    return TileSummary(
        square_sum=arrays["square_sum"].numpy(),
        pairs=len(defects),
        gradient_rms=dict(
            zip(arrays["positions"].tolist(), arrays["gradient_rms"].numpy(), strict=True),
        ),
        defects=defects,
        outputs=outputs,
    )
