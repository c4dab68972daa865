"""An optimizer step as a map F of the whole state of training, and its derivative.

Axes: k tangents.

The state is what one step hands to the next through numbers that can move by a little: the trainable parameters θ and
the slots of the update rule (momentum buffers, moments). Whole numbers, such as the count of steps, are held fixed.
BatchNorm's running statistics are no part of it: in train mode a step reads the batch's own statistics, so that
running ones follow training and never act on it. Other buffers are held fixed at their values before the step.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from workers.brackets.functional import Tensors, plain_attention
from workers.brackets.refusals import refusals
from workers.losses import ExampleLoss
from workers.replicas.stack.rules import Rule, slot_names, updated

PARAMETERS, SLOTS = "parameters", "slots"
ELEMENTS = 2**27
"""Numbers of tangents that go through a step at once: 512 MB in float32. It depends on the sizes of the job alone."""


def state_names(rule: Rule, names: list[str]) -> list[str]:
    """Of the tensors of the state, `parameters/<name>` first, then `slots/<name>/<slot>`."""
    slots = [f"{SLOTS}/{name}/{slot}" for name in names for slot in slot_names(rule)]
    return [f"{PARAMETERS}/{name}" for name in names] + slots


@dataclass(frozen=True)
class StepMap:
    """F: the state before a step to the state after it.

    Attributes:
        mean_loss: The batch mean loss in train mode as a function of θ.
        rule: The update rule with the hyper-parameters of this step.
        taken: Steps that the slots have taken before it.
    """

    mean_loss: Callable[[Tensors], Tensor]
    rule: Rule
    taken: int

    def __call__(self, state: Mapping[str, Tensor]) -> Tensors:
        """F(state)."""
        theta = {
            name.removeprefix(f"{PARAMETERS}/"): tensor
            for name, tensor in state.items()
            if name.startswith(f"{PARAMETERS}/")
        }
        gradients = grad(self.mean_loss)(theta)
        after: Tensors = {}
        slots: Tensors = {}
        for name, parameter in theta.items():
            held = {slot: state[f"{SLOTS}/{name}/{slot}"] for slot in slot_names(self.rule)}
            after[f"{PARAMETERS}/{name}"], kept = updated(self.rule, parameter, gradients[name], held, self.taken)
            slots |= {f"{SLOTS}/{name}/{slot}": tensor for slot, tensor in kept.items()}
        return after | slots

    def push(self, state: Mapping[str, Tensor], tangents: Mapping[str, Tensor]) -> Tensors:
        """DF(state) δ for k tangents δ, (k, *shape) each: forward derivatives of the gradient and of the rule.

        Where an activation has a kink, the derivative is that of the side PyTorch takes. Where the second moment of
        Adam or RMSprop is exactly 0, its root counts as constant.

        Raises:
            UserFault: the model has an operation without the derivatives or the batching that this needs.
        """

        def pushed(delta: Tensors) -> Tensors:
            found: Tensors = jvp(self, (dict(state),), (delta,))[1]
            return found

        per_tangent = sum(tensor.numel() for tensor in state.values())
        with plain_attention(), refusals("Lyapunov exponents"):
            found: Tensors = vmap(pushed, chunk_size=max(1, ELEMENTS // per_tangent))(
                {name: tangents[name] for name in state}
            )
        return found


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


def fresh_slots(rule: Rule, parameters: Mapping[str, Tensor]) -> Tensors:
    """Slots as they are before the first step, by the names of the state."""
    return {
        f"{SLOTS}/{name}/{slot}": torch.zeros_like(tensor)
        for name, tensor in parameters.items()
        for slot in slot_names(rule)
    }
