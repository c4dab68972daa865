"""Moves of the parameters of one replica: noise, a turn on the sphere, a step along a gradient, a new start.

All arithmetic is in float64 on the CPU, with NumPy's draws, so that a replica starts from the same point on any
device. What is moved is cut into vectors w: with the scale `per_tensor` the chosen elements of each tensor, otherwise
the chosen elements of all tensors together. Equal draws are equal noise, whatever the scale.

Axes: P parameters over all tensors, n elements of a vector w, B examples of a batch.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

import numpy as np
import torch
from torch import Tensor

from schemas.perturbations import Gaussian, GradientMove, Move, Reinitialise, Sphere
from workers.data.select import resolve
from workers.errors import UserFault
from workers.replicas.perturbations.redraw import Initialisation, redrawn
from workers.replicas.perturbations.sphere import Vector, along_sphere, norm
from workers.replicas.perturbations.where import chosen
from workers.training.schedule import Integers

Gradient = Callable[[Tensor], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Piece:
    """What one ε is about: a vector w and the tensors that its elements come from."""

    tensors: tuple[str, ...]
    w: Vector
    r: float

    @property
    def called(self) -> str:
        """The tensors in a message."""
        return f"{self.tensors[0]} … {self.tensors[-1]}" if len(self.tensors) > 1 else self.tensors[0]


def moved(
    parameters: Mapping[str, Tensor],
    move: Move,
    draw: np.random.Generator,
    gradient: Gradient,
    train_size: int,
    initialisation: Initialisation,
) -> dict[str, Tensor]:
    """The parameters after a move: w + Δ in float64, rounded to the parameters' type once.

        Gaussian        Δ = ε‖w‖ ξ/‖ξ‖, or ε ξ/‖ξ‖ with `absolute`, or ε ξ with `per_element`, where ξ ~ N(0, I)
        Sphere          `along_sphere`, ε/r = ε, or ε/‖w‖ with `absolute`
        GradientMove    Δ = ± ε‖w‖ g/‖g‖, or ± ε g/‖g‖ with `absolute`
        Reinitialise    `redrawn`

    An element whose Δ is 0 keeps its bits: with ε = 0 all do. Where w or the gradient is not finite the replica has
    diverged, no move of it would mean anything, and it is returned as it is.

    Args:
        parameters: Tensors that may move, by name.
        move: What is done.
        draw: The replica's own generator for this move.
        gradient: Gradient of the mean loss of a batch (B,) of training examples with respect to `parameters`, in
            train mode; called for a gradient move alone.
        train_size: Examples in the train split.
        initialisation: What the run's model starts from under a seed; called for a `Reinitialise` alone.

    Raises:
        UserFault: `where` chooses what is not there, or the batch is not in the split; with ε > 0 also: the sphere's
            radius is too small for ε, or 0 without a rule, the gradient is 0, or nothing would move because all that
            is chosen has norm 0. A twin, which ε = 0 leaves where it is, may be at a point where replicas never are.
    """
    if isinstance(move, Reinitialise):
        return redrawn(parameters, move, draw, initialisation)
    places = chosen(parameters, move.where, draw)
    flat = {name: parameters[name].detach().cpu().double().reshape(-1).numpy() for name in places}
    pieces = list(_pieces({name: flat[name][place] for name, place in places.items()}, move.scale))
    if not all(np.isfinite(piece.r) for piece in pieces):
        return dict(parameters)
    match move:
        case Gaussian():
            deltas = _noise(move, pieces, draw)
        case Sphere():
            deltas = _turns(move, pieces, draw)
        case GradientMove():
            gradients = gradient(_batch(move, train_size, draw))
            towards = [
                np.concatenate(
                    [gradients[name].cpu().double().reshape(-1).numpy()[places[name]] for name in piece.tensors]
                )
                for piece in pieces
            ]
            if not all(np.isfinite(norm(g)) for g in towards):
                return dict(parameters)
            deltas = _along(move, pieces, towards)
        case _:
            assert_never(move)
    return {**parameters, **_placed(parameters, flat, places, np.concatenate(deltas))}


def _pieces(vectors: dict[str, Vector], scale: str) -> Iterator[Piece]:
    if scale == "per_tensor":
        for name, w in vectors.items():
            yield Piece((name,), w, norm(w))
    else:
        w = np.concatenate(list(vectors.values()))
        yield Piece(tuple(vectors), w, norm(w))


def _noise(move: Gaussian, pieces: list[Piece], draw: np.random.Generator) -> list[Vector]:
    noise = [draw.standard_normal(len(piece.w)) for piece in pieces]
    if move.scale == "per_element":
        return [move.epsilon * xi for xi in noise]
    return [size * (xi / norm(xi)) for size, xi in zip(_sizes(move, pieces), noise, strict=True)]


def _along(move: GradientMove, pieces: list[Piece], towards: list[Vector]) -> list[Vector]:
    sign = 1.0 if move.direction == "ascent" else -1.0
    deltas = []
    for piece, size, g in zip(pieces, _sizes(move, pieces), towards, strict=True):
        if size > 0 and norm(g) == 0:
            raise UserFault(
                f"the gradient of {piece.called} is 0 after step {move.step}, which is no direction to move along: "
                "choose other tensors, other examples or another step"
            )
        deltas.append(sign * size * (g / norm(g)) if norm(g) > 0 else np.zeros_like(g))
    return deltas


def _sizes(move: Gaussian | GradientMove, pieces: list[Piece]) -> list[float]:
    """Norms of the moves of the pieces."""
    if move.scale == "absolute":
        return [move.epsilon for _ in pieces]
    if move.epsilon > 0 and all(piece.r == 0 for piece in pieces):
        raise UserFault(
            f"nothing would move: the chosen elements of {_listed(pieces)} have norm 0 after step {move.step}, and "
            f"with scale {move.scale} epsilon is relative to that: take scale absolute, or choose other tensors"
        )
    return [move.epsilon * piece.r for piece in pieces]


def _turns(move: Sphere, pieces: list[Piece], draw: np.random.Generator) -> list[Vector]:
    stuck = [piece for piece in pieces if piece.r == 0 or len(piece.w) == 1]
    skipped_all = move.unmovable == "skip" and len(stuck) == len(pieces)
    if move.epsilon > 0 and stuck and (move.unmovable == "refuse" or skipped_all):
        rule = "or unmovable: skip or additive" if move.unmovable == "refuse" else "or unmovable: additive"
        raise UserFault(
            f"a norm-preserving move needs two elements and a norm above 0, and after step {move.step} "
            f"{_listed(stuck)} {'has' if len(stuck) == 1 else 'have'} norm 0 or one element: choose other tensors, "
            f"{rule}"
        )
    return [_turn(move, piece, draw.standard_normal(len(piece.w))) for piece in pieces]


def _turn(move: Sphere, piece: Piece, noise: Vector) -> Vector:
    if piece.r == 0 or len(piece.w) == 1:
        return move.epsilon * (move.additive_sd or 0.0) * noise
    ratio = move.epsilon / piece.r if move.scale == "absolute" else move.epsilon
    if ratio > 2:
        raise UserFault(
            f"a point of a sphere is at most two radii away: the chosen elements of {piece.called} have norm "
            f"{piece.r:g} after step {move.step}, so epsilon is at most {2 * piece.r:g}; came {move.epsilon:g}"
        )
    return along_sphere(piece.w, ratio, noise)


def _listed(pieces: list[Piece]) -> str:
    called = [piece.called for piece in pieces]
    return ", ".join(called[:8]) + (f" and {len(called) - 8} more" if len(called) > 8 else "")


def _batch(move: GradientMove, train_size: int, draw: np.random.Generator) -> Tensor:
    if not isinstance(move.examples, int):
        return torch.from_numpy(resolve(move.examples, train_size, "train"))
    if move.examples > train_size:
        raise UserFault(
            f"a gradient move draws its {move.examples:,} examples from the train split, which has {train_size:,}: "
            "draw fewer"
        )
    drawn: Integers = np.sort(draw.choice(train_size, move.examples, replace=False)).astype(np.int64)
    return torch.from_numpy(drawn)


def _placed(
    parameters: Mapping[str, Tensor], flat: dict[str, Vector], places: dict[str, slice | Integers], delta: Vector
) -> dict[str, Tensor]:
    found, start = dict[str, Tensor](), 0
    for name, place in places.items():
        after = flat[name].copy()
        w = after[place]
        step = delta[start : start + len(w)]
        # −0.0 + 0.0 is 0.0: an element that stays is not added to, so that it keeps even that sign.
        after[place] = np.add(w, step, out=w.copy(), where=step != 0)
        start += len(w)
        tensor = parameters[name]
        found[name] = torch.from_numpy(after).reshape(tensor.shape).to(tensor.dtype).to(tensor.device)
    return found
