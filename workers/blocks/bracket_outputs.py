"""How far each output moves at one checkpoint of a bracket job.

Axes: T test examples, K outputs.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add

from schemas.blocks import BracketOutputs, ObjectRef
from schemas.brackets import Brackets, TopPairs
from schemas.data import CONTROL_LABELS
from workers.blocks.checkpoints import described
from workers.blocks.moves import read_sums, slacks
from workers.blocks.prepared import Prepared, prepare
from workers.brackets.summaries.cooccurrence import label_rates, neighbours
from workers.brackets.summaries.outputs import OutputFacts, output_columns
from workers.context import Context
from workers.determinism import deterministic
from workers.errors import BlockFault
from workers.inputs import under
from workers.outcome import Finished


def bracket_outputs(
    spec: Brackets, payload: BracketOutputs, inputs: Sequence[ObjectRef], context: Context
) -> Finished:
    """Reduce the logit perturbations of a checkpoint to the table `outputs`.

    Raises:
        BlockFault: there are no perturbations.
    """
    source = "moved" if isinstance(spec.perturbed, TopPairs) else "sums"
    found = [read_sums(context.arrays(ref)) for ref in under(inputs, f"{source}/{payload.step:09d}/")]
    parts = [sums for sums in found if sums is not None]
    if not parts:
        raise BlockFault(
            f"no block of step {payload.step} took logit perturbations: `outputs` needs those of some pair"
        )
    sums = reduce(add, parts)
    with deterministic():
        at = prepare(spec, payload.step, inputs, context)
        with context.kernel():
            columns = output_columns(payload.step, sums, _facts(at))
    return Finished(
        data={"step": payload.step, "pairs": sums.pairs, **described(spec, at.dataset)}, rows={"outputs": columns}
    )


def _facts(at: Prepared) -> OutputFacts:
    dataset, K = at.dataset, len(at.dataset.label_names)
    test = at.test_labels()
    controls = [place for place, label in enumerate(dataset.label_names) if label in CONTROL_LABELS]
    return OutputFacts(
        labels=dataset.label_names,
        slack=slacks(at).square().mean(0).sqrt().numpy(),
        label_rate=label_rates(test, K).cpu().numpy(),
        train_rate=label_rates(dataset.train.labels, K).cpu().numpy(),
        neighbours=neighbours(dataset.train.labels, controls) if dataset.independent else None,
        test_examples=len(test),
    )
