"""One tile of the pair matrix at one checkpoint.

Axes: N examples, n parameter tensors, T test examples, K outputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from schemas.blocks import BracketTile, ObjectRef
from schemas.brackets import Brackets, TopPairs
from workers.blocks.checkpoints import described, functional_at, label_shares, train_targets
from workers.brackets.columns import Integers, PairNumbers, ratio
from workers.brackets.functional import Functional
from workers.brackets.generic import Generic
from workers.brackets.geometry import TileShape
from workers.brackets.outputs import output_sums, slack
from workers.brackets.refusals import refusals
from workers.brackets.tile import Flags, Tile, TileTask, compute_tile, span_states
from workers.context import Context
from workers.data import Dataset, load, resolve
from workers.determinism import deterministic
from workers.errors import UserFault
from workers.inputs import needed
from workers.outcome import Finished
from workers.precision import torch_dtype

AXES = {
    "pairs": "pair member",
    "bracket_norm": "pair",
    "defect": "pair",
    "tensor_rms": "pair tensor",
    "positions": "example",
    "gradient_rms": "example tensor",
    "logits": "pair test output",
    "square_sum": "tensor",
    "outputs/square_sum": "output",
    "outputs/largest": "output",
    "outputs/probability_square_sum": "output",
    "outputs/slack": "output",
    "outputs/label_rate": "output",
}


@dataclass(frozen=True)
class Chosen:
    """The examples a job looks at, as ascending indices of their splits: training (N,) and test (T,) or None."""

    train: Integers
    test: Integers | None

    @classmethod
    def of(cls, spec: Brackets, dataset: Dataset) -> "Chosen":
        """Resolve a job's selections.

        Raises:
            UserFault: a split is too small, or `keep` names pairs that were not chosen.
        """
        train = resolve(spec.examples, len(dataset.train), "train")
        test = None if spec.test_examples is None else resolve(spec.test_examples, len(dataset.test), "test")
        if not isinstance(spec.keep, str):
            known = {int(index) for index in train}
            strange = [pair for pair in spec.keep if not known.issuperset(pair)]
            if strange:
                raise UserFault(f"keep names pairs outside the chosen examples: {strange[:5]}")
        return cls(train, test)

    def flags(
        self, pairs: Literal["none", "all"] | TopPairs | tuple[tuple[int, int], ...], shape: TileShape
    ) -> Flags | None:
        """Which pairs of a tile are meant, by place; the largest are not known yet."""
        if pairs == "all":
            return np.ones(shape.pairs, dtype=np.bool_)
        if isinstance(pairs, str | TopPairs):
            return None
        wanted = set(pairs)
        return np.array([(int(a), int(b)) in wanted for a, b in self.train[shape.members()]], dtype=np.bool_)


def bracket_tile(
    spec: Brackets, payload: BracketTile, inputs: Sequence[ObjectRef], context: Context, shrink: int
) -> Finished:
    """Compute a tile, store its arrays and return its rows of the `pairs` table.

    What the summary needs of a tile is an object of its own, so that it need not read logits and kept brackets.

    Raises:
        UserFault: an example, the model or a number is not what it must be.
        MemoryFault: the micro tile did not fit.
        Cancelled: the block was told to stop.
    """
    dataset = load(spec.training.data, context, torch_dtype(spec.dtype))
    chosen = Chosen.of(spec, dataset)
    shape = TileShape.of(payload, len(chosen.train))
    checkpoint = needed(inputs, f"checkpoints/{payload.step:09d}")
    train = torch.from_numpy(chosen.train).to(context.device)
    test = None if chosen.test is None else torch.from_numpy(chosen.test).to(context.device)
    test_inputs = None if test is None else dataset.test.inputs[test]
    longest = max(len(shape.rows), len(shape.columns))
    # Half of what was held: a tile may be smaller than its micro tiles may be.
    micro = max(1, min(payload.micro, longest) >> shrink) if shrink else payload.micro
    with deterministic(), refusals():
        functional = functional_at(spec, checkpoint, context)
        with context.kernel():
            path = Generic(functional)
            states = span_states(path, dataset.train.inputs[train], train_targets(spec, dataset, train))
            tests = None if test_inputs is None else path.tests(test_inputs)
            task = TileTask(
                shape,
                micro,
                spec.gauss_newton,
                tests,
                moved=chosen.flags(spec.perturbed, shape),
                kept=chosen.flags(spec.keep, shape),
            )
            tile = compute_tile(
                path, states, task, len(functional.parameters), context.device, context.check_cancelled
            )
            numbers = _numbers(tile, shape, chosen.train, payload.step)
            sizes = np.array([parameter.numel() for parameter in functional.parameters.values()])
            arrays = _pair_arrays(tile, numbers, sizes)
            sums = _sums(arrays)
            if test is not None and tile.logits is not None:
                arrays["logits"] = tile.logits
                sums |= _output_sums(spec, functional, dataset, test, tile.logits)
    kept = sorted(tile.kept)
    if kept:
        for name in functional.parameters:
            arrays[f"kept/{name}"] = torch.stack([tile.kept[place][name] for place in kept])
    place = f"{payload.step:09d}/{shape.rows.start:06d}-{shape.columns.start:06d}"
    name = f"tiles/{place}"
    stored = tuple(
        context.store(label, content, {key: axes for key, axes in AXES.items() if key in content})
        for label, content in ((name, arrays), (f"sums/{place}", sums))
    )
    listed = chosen.train[shape.members()[kept]]
    places = {(int(i), int(j)): index for index, (i, j) in enumerate(listed)}
    return Finished(
        data={
            "step": payload.step,
            "pairs": shape.pairs,
            "kept": len(kept),
            "micro": micro,
            **described(spec, dataset),
        },
        rows={"pairs": numbers.columns(payload.step, int(sizes.sum()), name, places)},
        objects=stored,
    )


def _numbers(tile: Tile, shape: TileShape, train: Integers, step: int) -> PairNumbers:
    """Bring a tile's numbers to the host.

    Raises:
        UserFault: a number is not finite; it names the examples.
    """
    positions = list(shape.positions)
    squares = torch.stack([tile.gradient_squares[position] for position in positions]).sum(1).cpu()
    losses = torch.stack([tile.losses[position] for position in positions]).double().cpu()
    bad = [
        int(train[p]) for p, fine in zip(positions, (squares + losses).isfinite().tolist(), strict=True) if not fine
    ]
    if bad:
        raise UserFault(
            f"losses and gradients must be finite, those of training examples {bad[:5]} at step {step} are not: "
            "leave these examples out, use dtype float64 or an earlier checkpoint"
        )
    place = {position: index for index, position in enumerate(positions)}
    members = shape.members()
    lookup = np.array([[place[int(a)], place[int(b)]] for a, b in members], dtype=np.int64).reshape(-1, 2)
    sums = tile.sums
    numbers = PairNumbers(
        examples=train[members],
        squares=_host(sums.squares),
        dot_i=_host(sums.dot_x),
        dot_j=_host(sums.dot_y),
        gradient_dot=_host(sums.gradient_dot),
        square_ij=_host(sums.square_xy),
        square_ji=_host(sums.square_yx),
        gradient_norms=_host(squares.sqrt())[lookup],
        losses=_host(losses)[lookup],
        logits=None if tile.logits is None else tile.logits.numpy(),
    )
    numbers.check_finite(step)
    return numbers


def _pair_arrays(tile: Tile, numbers: PairNumbers, sizes: np.ndarray[Any, Any]) -> dict[str, Tensor]:
    norm = np.sqrt(numbers.squares.sum(1))
    below = numbers.gradient_norms.prod(1)
    extents = np.maximum(sizes, 1)  # an empty tensor has RMS 0
    positions = sorted(tile.gradient_squares)
    gradients = torch.stack([tile.gradient_squares[position] for position in positions]).cpu()
    return {
        "pairs": torch.from_numpy(numbers.examples),
        "bracket_norm": torch.from_numpy(norm),
        "defect": torch.from_numpy(ratio(norm, below)),
        "tensor_rms": torch.from_numpy(np.sqrt(numbers.squares / extents)),
        "positions": torch.tensor(positions, dtype=torch.int64),
        "gradient_rms": (gradients / torch.from_numpy(extents)).sqrt(),
    }


def _sums(arrays: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of a tile's arrays, what a summary needs: one number per tensor in place of one per pair and tensor."""
    kept = {name: arrays[name] for name in ("defect", "positions", "gradient_rms")}
    return kept | {"square_sum": arrays["tensor_rms"].square().sum(0)}


def _output_sums(
    spec: Brackets, functional: Functional, dataset: Dataset, test: Tensor, moved: Tensor
) -> dict[str, Tensor]:
    with torch.no_grad():
        logits = functional.logits(functional.parameters, dataset.test.inputs[test])
        slacks = slack(spec.training.loss, dataset, logits).cpu()
    sums = output_sums(moved.numpy(), slacks.numpy())
    return {
        "outputs/square_sum": torch.from_numpy(sums.square_sum),
        "outputs/largest": torch.from_numpy(sums.largest),
        "outputs/probability_square_sum": torch.from_numpy(sums.probability_square_sum),
        "outputs/slack": slacks.mean(0),
        "outputs/label_rate": label_shares(dataset, test).cpu(),
    }


def _host(tensor: Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    return tensor.cpu().numpy()
