"""An optimizer step as a map F of the whole state of training, and its derivative.

Axes: k tangents, P trainable parameters over all tensors.

The state is what one step hands to the next through numbers that can move by a little: `parameters`, the trainable
ones, and `slots/<slot>`, what the update rule remembers of each (momentum buffers, moments), vectors (P,) each. Whole
numbers, such as the count of steps, are held fixed. BatchNorm's running statistics are no part of it: in train mode a
step reads the batch's own statistics, so that running ones follow training and never act on it. Other buffers are
held fixed at their values before the step.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from schemas.optimizers import Rule
from workers.brackets.functional import Tensors, plain_attention
from workers.brackets.refusals import TWICE, refusals
from workers.losses import ExampleLoss
from workers.replicas.stack.rules import slot_names, updated

PARAMETERS, SLOTS = "parameters", "slots"
ELEMENTS = 2**27
"""Numbers of tangents that go through a step at once: 512 MB in float32. It depends on the sizes of the job alone."""


@dataclass(frozen=True)
class StepMap:
    """F: the state before a step to the state after it.

    Attributes:
        mean_loss: The batch mean loss in train mode as a function of the trainable parameters by name.
        shapes: Of those parameters, in the order in which they stand in vectors.
        rule: The update rule with the hyper-parameters of this step.
        taken: Steps that the slots have taken before it.
    """

    mean_loss: Callable[[Tensors], Tensor]
    shapes: Mapping[str, torch.Size]
    rule: Rule
    taken: int

    def __call__(self, state: Mapping[str, Tensor]) -> Tensors:
        """F(state)."""
        theta = state[PARAMETERS]
        gradients = grad(self.mean_loss)(named(theta, self.shapes))
        slots = {slot: state[f"{SLOTS}/{slot}"] for slot in slot_names(self.rule)}
        # Rules are elementwise: one call takes all tensors.
        after, kept = updated(self.rule, theta, flat(gradients), slots, self.taken)
        return {PARAMETERS: after} | {f"{SLOTS}/{slot}": tensor for slot, tensor in kept.items()}

    def push(self, state: Mapping[str, Tensor], tangents: Mapping[str, Tensor]) -> Tensors:
        """DF(state) δ for k tangents δ, (k, P) each: forward derivatives of the gradient and of the rule.

        Where an activation has a kink, the derivative is that of the side PyTorch takes. Where the second moment of
        Adam or RMSprop is exactly 0, its root counts as constant.

        Raises:
            UserFault: the model has an operation without the derivatives or the batching that this needs.
        """

        def pushed(delta: Tensors) -> Tensors:
            found: Tensors = jvp(self, (dict(state),), (delta,))[1]
            return found

        per_tangent = sum(tensor.numel() for tensor in state.values())
        with plain_attention(), refusals(f"Lyapunov exponents {TWICE}"):
            found: Tensors = vmap(pushed, chunk_size=max(1, ELEMENTS // per_tangent))(
                {name: tangents[name] for name in state}
            )
        return found


def flat(tensors: Mapping[str, Tensor]) -> Tensor:
    """All tensors as one vector, in their order: (P,)."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors.values()])


def named(vector: Tensor, shapes: Mapping[str, torch.Size]) -> Tensors:
    """The inverse of `flat`."""
    parts = torch.split(vector, [shape.numel() for shape in shapes.values()])
    return {name: part.view(shape) for part, (name, shape) in zip(parts, shapes.items(), strict=True)}


def first_state(rule: Rule, theta: Tensor) -> Tensors:
    """The state before the first step under `rule`, at parameters (P,): its slots are 0."""
    return {PARAMETERS: theta} | {f"{SLOTS}/{slot}": torch.zeros_like(theta) for slot in slot_names(rule)}


def train_mode(model: nn.Module, loss: ExampleLoss) -> Callable[[Tensors, Tensors, Tensor, Tensor], Tensor]:
    """The batch mean loss of a model in train mode as a pure function.

    Returns:
        A function of the parameters and of what is held fixed, both by name, and of a batch (B, *input_shape) with
        its targets (B, K). Of what is held fixed, running statistics are ignored.
    """
    copy = deepcopy(model).train()
    for module in copy.modules():
        if isinstance(module, _BatchNorm):
            # It would write them during the step, which torch.func cannot differentiate.
            module.running_mean = module.running_var = module.num_batches_tracked = None
    present = {name for name, _ in copy.named_buffers()} | {name for name, _ in copy.named_parameters()}

    def mean_loss(parameters: Tensors, fixed: Tensors, inputs: Tensor, targets: Tensor) -> Tensor:
        kept = {name: tensor for name, tensor in fixed.items() if name in present}
        logits: Tensor = functional_call(copy, {**parameters, **kept}, (inputs,))
        return loss(logits, targets).mean()

    return mean_loss
