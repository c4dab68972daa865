"""The effect of one order of plain gradient steps against another: predicted from brackets, and exact.

With one step θ ← θ − lr ∇L_x(θ) per example, order σ ends at θ_σ, and

    (θ_σ − θ_τ) / lr² = S(σ) − S(τ) + O(lr),    S(o) = Σ_j H_j (Σ_{i before j in o} g_i)

which is the sum of [v_i, v_j] over the pairs with i before j in σ and after it in τ (mathematics.md, 2, A5). S takes
one product per example by prefix sums. Everything is in float64: in float32 a difference of order lr² drowns in the
rounding of θ. The expansion needs a smooth model: across kinks (ReLU, max-pooling) the error is not of order lr.

Axes: P parameters, T test examples, K outputs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor
from torch.func import grad, jvp

from workers.brackets.functional import Functional, Tensors
from workers.brackets.means import mean_gradient, mean_loss
from workers.brackets.minibatches import Examples
from workers.brackets.orders.orders import Order, Reordering
from workers.brackets.vectors import cosine, flat
from workers.precision import doubled


@dataclass(frozen=True)
class Effect:
    """What a reordering does, divided by lr².

    Attributes:
        predicted_norm: ‖S(σ) − S(τ)‖.
        exact_norm: ‖θ_σ − θ_τ‖ / lr².
        relative_error: ‖exact − predicted‖ / ‖exact‖; 0 where both vanish, 1 where the exact effect alone does.
        cosine: Of predicted and exact effect; 0 where either vanishes.
        predicted_loss: ∇L_test · (S(σ) − S(τ)), None without test examples.
        realised_loss: (L_test(θ_σ) − L_test(θ_τ)) / lr², None without test examples.
    """

    predicted_norm: float
    exact_norm: float
    relative_error: float
    cosine: float
    predicted_loss: float | None = None
    realised_loss: float | None = None

    @property
    def agrees(self) -> bool | None:
        """Whether both loss differences have one sign. Two exact zeros have, a zero beside another number has not."""
        if self.predicted_loss is None or self.realised_loss is None:
            return None
        return same_sign(self.predicted_loss, self.realised_loss)


def reordering_effects(
    functional: Functional,
    examples: Examples,
    orders: Sequence[Reordering],
    lr: float,
    tests: tuple[Tensor, Tensor] | None = None,
    pause: Callable[[], None] = lambda: None,
) -> list[Effect]:
    """Effects of reorderings at a checkpoint, with σ against τ.

    What two orders have in common is computed once where they follow each other in the list: the ascending order
    that shuffles are compared with, for one. About 15 P float64 numbers are held.

    Args:
        functional: The model at the checkpoint, of any type.
        examples: Gives training examples by index, of any type.
        orders: What is compared.
        lr: Learning rate of the exact steps.
        tests: Test examples (T, *input_shape) and their targets (T, K).
        pause: Called before every step; what it raises ends the work.
    """
    double = functional.double()

    def exactly(order: Sequence[int]) -> tuple[Tensor, Tensor]:
        inputs, targets = examples(order)
        return doubled(inputs), targets.double()

    @lru_cache(maxsize=2)
    def sums(order: Order) -> Tensor:
        return bracket_sum(double, exactly, order, pause)

    measured = None if tests is None else (doubled(tests[0]), tests[1].double())
    slope = None if measured is None else flat(mean_gradient(double, *measured))

    @lru_cache(maxsize=2)
    def end(order: Order) -> tuple[Tensor, float]:
        theta = end_point(double, exactly, order, lr, pause)
        return flat(theta), 0.0 if measured is None else mean_loss(double, theta, *measured)

    effects = []
    for reordering in orders:
        (theta, loss), (other_theta, other_loss) = end(reordering.first), end(reordering.second)
        predicted = torch.zeros_like(theta)
        for first, second in moved_parts(reordering):
            predicted += sums(first) - sums(second)
        effect = _effect(predicted, (theta - other_theta) / lr**2)
        if slope is not None:
            losses = {"predicted_loss": float(slope @ predicted), "realised_loss": (loss - other_loss) / lr**2}
            effect = replace(effect, **losses)
        effects.append(effect)
    return effects


def bracket_sum(
    functional: Functional, examples: Examples, order: Order, pause: Callable[[], None] = lambda: None
) -> Tensor:
    """S(o) = Σ_j H_j (Σ_{i before j} g_i), (P,): one product for each example but the first."""
    total = {name: torch.zeros_like(tensor) for name, tensor in functional.parameters.items()}
    before = Tensors()
    for index in order:
        pause()
        inputs, targets = examples([index])

        def gradient(parameters: Tensors, example: Tensor = inputs[0], target: Tensor = targets[0]) -> Tensors:
            result: Tensors = grad(functional.example_loss)(parameters, example, target)
            return result

        if not before:
            before = gradient(functional.parameters)
            continue
        # One pass gives H_j u and, as what it is the derivative of, g_j for the examples after j.
        own, product = jvp(gradient, (functional.parameters,), (before,))[:2]
        total = {name: tensor + product[name] for name, tensor in total.items()}
        before = {name: tensor + own[name] for name, tensor in before.items()}
    return flat(total)


def end_point(
    functional: Functional, examples: Examples, order: Order, lr: float, pause: Callable[[], None] = lambda: None
) -> Tensors:
    """θ after one step θ ← θ − lr ∇L_x(θ) on each example x in turn, from the function's own parameters."""
    parameters = functional.parameters
    for index in order:
        pause()
        inputs, targets = examples([index])
        gradient = grad(functional.example_loss)(parameters, inputs[0], targets[0])
        parameters = {name: tensor - lr * gradient[name] for name, tensor in parameters.items()}
    return parameters


def moved_parts(reordering: Reordering) -> Iterator[tuple[Order, Order]]:
    """The shortest stretches that hold the same examples in both orders, without those that are one and the same.

    Pairs from two different stretches keep their order, so that S(σ) − S(τ) is a sum over stretches. For a swap of
    two neighbours in a long order, the stretch is those two.
    """
    start, open_ = 0, set[int]()
    for place, pair in enumerate(zip(reordering.first, reordering.second, strict=True), start=1):
        for index in pair:
            open_ ^= {index}
        if not open_:
            first, second = reordering.first[start:place], reordering.second[start:place]
            if first != second:
                yield first, second
            start = place


def _effect(predicted: Tensor, exact: Tensor) -> Effect:
    predicted_norm, exact_norm = float(predicted.norm()), float(exact.norm())
    error = float((exact - predicted).norm())
    return Effect(
        predicted_norm=predicted_norm,
        exact_norm=exact_norm,
        relative_error=error / exact_norm if exact_norm > 0 else float(predicted_norm > 0),
        cosine=cosine(predicted, exact),
    )


def same_sign(predicted: float, realised: float) -> bool:
    """Whether both are positive, both negative, or both exactly 0."""
    return (predicted > 0) == (realised > 0) and (predicted < 0) == (realised < 0)
