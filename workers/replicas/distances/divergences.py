"""Divergences between categorical distributions that lose nothing where the two are nearly equal.

Axes: … any batch axes, O outcomes. Distributions come as logarithms of probabilities, in float64, which stay finite
where a probability is too small for a number. With δ = log q − log p, both sums are over terms of one sign in δ, of
which none is a difference of larger ones: replicas that are 1e-8 apart are told apart as well as distant ones.
"""

from math import log

import torch
from torch import Tensor


def kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p ‖ q) = Σ p log(p/q) in nats, (…): 0 for equal distributions, never below 0, without bound.

    Since p and q both sum to 1 it equals Σ p (e^δ − 1 − δ), whose terms are about p δ²/2. Not a distance: it is not
    symmetric.
    """
    p, delta = log_p.exp(), log_q - log_p
    terms = p * (torch.expm1(delta) - delta)
    if not delta.amax() < 1:
        # Where q is much larger than p, e^δ may overflow though p e^δ = q does not.
        terms = terms.where(delta < 1, log_q.exp() - p - p * delta)
    return terms.sum(-1).clamp_(min=0)


def root_js(log_p: Tensor, log_q: Tensor) -> Tensor:
    """√JS(p, q), JS = ½ KL(p ‖ m) + ½ KL(q ‖ m) with m = (p + q)/2, in nats, (…): a distance, at most √ln 2.

    With t = tanh(δ/2), p = m (1 − t) and q = m (1 + t), so that JS = ½ Σ m f with
    f = (1 + t) log(1 + t) + (1 − t) log(1 − t) = δ t + log(1 − t²), even in δ and about δ²/4 near 0. That it is a
    distance was shown by Endres and Schindelin, IEEE Transactions on Information Theory 49 (2003).
    """
    delta = log_q - log_p
    t = torch.tanh(delta / 2)
    f = delta * t + torch.log1p(-t.square())
    size = delta.abs()
    if not size.amax() < 1:
        # The same with 1 − |t| = 2e/(1 + e), e = exp(−|δ|): from |δ| = 37 on |t| rounds to 1.
        e = torch.exp(-size)
        f = f.where(size < 1, 2 * (log(2) - torch.log1p(e) - size * e / (1 + e)))
    js = ((log_p.exp() + log_q.exp()) * f).sum(-1) / 4
    return js.clamp_(min=0).sqrt_()
