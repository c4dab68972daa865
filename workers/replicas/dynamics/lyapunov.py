"""Finite-time Lyapunov exponents along a training run: how fast nearby states of the optimizer drift apart.

Axes: k tangents, D numbers of the state, P parameters.

Tangents follow δ' = DF_t δ with F_t the t-th step (`step_map`). Every so often they are orthonormalised by a QR
factorisation of the D × k matrix Δ of tangents, Δ = QR, and go on from Q; with r_ii of every factorisation so far,

    λ_i(T) = (1/T) Σ ln |r_ii|,   i = 1, …, k

so that λ_1 is the mean logarithmic growth of a vector per step, λ_1 + λ_2 that of an area, and so on (Benettin,
Galgani, Giorgilli and Strelcyn 1980). The norm is the Euclidean one of the whole state, parameters and slots in the
units in which the optimizer holds them: for T → ∞ exponents know nothing of the norm, over a finite time they do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from workers.brackets.functional import Tensors
from workers.errors import UserFault
from workers.replicas.dynamics.step_map import PARAMETERS, StepMap
from workers.streams import Stream, generator


@dataclass(frozen=True)
class Tangents:
    """Tangents at a step, and how they have grown.

    Attributes:
        deltas: By the names of the state, (k, P).
        sums: (k,) float64, Σ ln |r_ii| of the factorisations so far.
    """

    deltas: Tensors
    sums: Tensor

    @classmethod
    def start(cls, state: Mapping[str, Tensor], k: int, seed: int) -> Self:
        """Random orthonormal tangents of the parameters at step 0; slots, which nothing has filled, have none.

        Raises:
            UserFault: there are fewer parameters than tangents.
        """
        theta = state[PARAMETERS]
        P = len(theta)
        if k > P:
            raise UserFault(
                f"{k} Lyapunov exponents are asked for, a model of {P} parameters has at most {P}: lower "
                "`lyapunov.exponents`"
            )
        Q, _ = torch.linalg.qr(torch.from_numpy(generator(seed, Stream.TANGENTS).standard_normal((k, P))).T)
        deltas = {name: vector.new_zeros(k, P) for name, vector in state.items()}
        deltas[PARAMETERS] = Q.T.to(theta).contiguous()
        return cls(deltas, torch.zeros(k, dtype=torch.float64))

    def pushed(self, step: StepMap, state: Mapping[str, Tensor]) -> "Tangents":
        """After one step that begins at `state`."""
        return replace(self, deltas=step.push(state, self.deltas))

    def orthonormalised(self) -> tuple["Tangents", Tensor]:
        """Orthonormal tangents of the same spans, and ln |r_ii|, (k,) float64; in float64 throughout.

        A direction that the steps have forgotten altogether has ln 0 = −∞, and keeps it in its sum.

        Raises:
            UserFault: a tangent is not finite.
        """
        names = sorted(self.deltas)  # whatever order they were stored and read in
        matrix = torch.cat([self.deltas[name].double() for name in names], dim=1).T
        if not bool(matrix.isfinite().all()):
            raise UserFault(
                "tangents must stay finite between orthonormalisations, and they did not: lower `lyapunov.every`"
            )
        Q, R = torch.linalg.qr(matrix)
        growth = R.diagonal().abs().log().cpu()
        parts = torch.split(Q.T, [self.deltas[name].shape[1] for name in names], dim=1)
        # Contiguous, as they are after being stored: what lies otherwise in memory may be rounded otherwise.
        deltas = {
            name: part.to(self.deltas[name].dtype).contiguous() for name, part in zip(names, parts, strict=True)
        }
        return Tangents(deltas, self.sums + growth), growth

    def arrays(self) -> Tensors:
        """All of it as named tensors."""
        return {f"tangents/{name}": delta for name, delta in self.deltas.items()} | {"sums": self.sums}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Tensor], device: torch.device) -> Self:
        """The inverse of `arrays`."""
        deltas = {
            name.removeprefix("tangents/"): array.to(device, copy=True)
            for name, array in arrays.items()
            if name.startswith("tangents/")
        }
        return cls(deltas, arrays["sums"].clone())
