"""Softmax within groups of labels that exclude each other, one sigmoid for every other label.

Axes: … any batch axes, K outputs. A group has one class more than labels: "none of them", with logit 0.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from schemas.losses import GroupedCrossEntropy
from schemas.nearest import did_you_mean
from workers.errors import UserFault
from workers.losses.functions import ExampleLoss, binary_cross_entropy_sum

Groups = tuple[tuple[int, ...], ...]


def grouped_cross_entropy(groups: Groups, K: int, reduction: str) -> ExampleLoss:
    """Σ_G (log(1 + Σ_{k∈G} exp z_k) − Σ_{k∈G} t_k z_k) + binary cross-entropy of the outputs in no group.

    For a group of one it is the binary cross-entropy. `mean` divides by K, which scales gradients by 1/K and
    brackets by 1/K², for outputs in groups and outside alike.

    Args:
        groups: Output numbers of each group, no output in two.
        K: Number of outputs.
        reduction: `mean` or `sum`, over the outputs of an example.
    """
    grouped = {output for group in groups for output in group}
    others = [output for output in range(K) if output not in grouped]
    scale = 1 / K if reduction == "mean" else 1

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        total = binary_cross_entropy_sum(logits[..., others], targets[..., others])
        for group in groups:
            z, t = logits[..., list(group)], targets[..., list(group)]
            total = total + _with_none(z).logsumexp(-1) - (t * z).sum(-1)
        return scale * total

    return loss


def grouped_probabilities(groups: Groups, logits: Tensor) -> Tensor:
    """Probability of each label, (…, K): softmax over its group and "none of them", the sigmoid outside groups."""
    p = torch.sigmoid(logits)
    for group in groups:
        p[..., list(group)] = _with_none(logits[..., list(group)]).softmax(-1)[..., 1:]
    return p


def group_log_probabilities(group: Sequence[int], logits: Tensor) -> Tensor:
    """Logarithms of the probabilities of "none of them" and of each label of a group, (…, 1 + |G|)."""
    return _with_none(logits[..., list(group)]).log_softmax(-1)


def group_numbers(spec: GroupedCrossEntropy, names: Sequence[str]) -> Groups:
    """Output numbers of each group.

    Raises:
        UserFault: a label is not among the K names, a number is not below K, or an output is in two groups.
    """
    numbers = tuple(tuple(_number(output, names) for output in group) for group in spec.groups)
    flat = [number for group in numbers for number in group]
    twice = sorted(names[number] for number in set(flat) if flat.count(number) > 1)
    if twice:
        raise UserFault(f"an output is in one group, once; the groups hold {twice[0]!r} by name and by number")
    return numbers


def refuse_joint_labels(groups: Groups, targets: Tensor, names: Sequence[str]) -> None:
    """Return, if no example of the targets (N, K) has two labels of a group.

    Raises:
        UserFault: some have; the first group is named.
    """
    for group in groups:
        joint = int((targets[:, list(group)].sum(-1) > 1).sum())
        if joint:
            labels = ", ".join(names[number] for number in group)
            raise UserFault(
                f"the labels of a group must exclude each other, but {joint} of {len(targets)} examples have more "
                f"than one of {labels}: take them out of the group"
            )


def _number(output: str | int, names: Sequence[str]) -> int:
    if isinstance(output, str):
        if output not in names:
            meant = did_you_mean(output, names)
            raise UserFault(f"a group of the loss names the label {output!r}; the data has {', '.join(names)}{meant}")
        return names.index(output)
    if output >= len(names):
        raise UserFault(f"a group of the loss names output {output}, but the data has {len(names)} labels from 0")
    return output


def _with_none(logits: Tensor) -> Tensor:
    return nn.functional.pad(logits, (1, 0))
