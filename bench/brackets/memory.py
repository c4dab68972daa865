"""Peak memory of all brackets of a model, in a fresh process that lets a tile's numbers go once they are summed.

Axes: N examples, n parameter tensors.
"""

import argparse
import json
import subprocess
import sys
import time

import torch

from bench import high_water
from bench.brackets.engine import tile_shapes, tiles
from bench.brackets.subjects import IMAGE, MLP, MLP_INPUT, RESNET, Subject, subject
from bench.case import Conditions
from bench.report import Figure
from workers.determinism import deterministic

TILE_EDGE = 512
OUTPUTS = 40
_MODELS = ("mlp", "resnet")


def large_mlp(conditions: Conditions) -> list[Figure]:
    """MLP 784-512-512-10 at N = 2048, and at 4096 in a full run."""
    if conditions.quick:
        return _figures("MLP", "mlp", 512, conditions, None, None)
    return [
        *_figures("MLP", "mlp", 2048, conditions, 1.0, None),
        *_figures("MLP", "mlp", 4096, conditions, None, 1.0),
    ]


def resnet(conditions: Conditions) -> list[Figure]:
    """MXResNet-18 with 40 independent outputs on 3×64×64, N = 32."""
    N = 4 if conditions.quick else 32
    return _figures("MXResNet-18, 40 outputs", "resnet", N, conditions, 2.0, 1.0)


def _figures(
    name: str, model: str, N: int, conditions: Conditions, target: float | None, aim: float | None
) -> list[Figure]:
    command = [sys.executable, "-m", "bench.brackets.memory", model, str(N), conditions.device.type]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    label = f"{name}, N = {N}"
    return [
        Figure(f"{label}: peak memory beside the data", found["peak"] / 1e9, "GB", target, aim, lower_is_better=True),
        Figure(f"{label}: time, {found['path']} path", found["seconds"], "s"),
    ]


def _peak(model: str, N: int, device: torch.device) -> dict[str, float | str]:
    """The most memory held since the imports, less the model and the data, in bytes; and the seconds of all brackets.

    The look at the model by which its path is chosen is inside.
    """
    before = high_water.start(device)
    if model == "mlp":
        given = subject(MLP, MLP_INPUT, N, device)
    else:
        given = subject(RESNET, IMAGE, N, device, K=OUTPUTS, soft=True)
    began = time.perf_counter()
    total = sum(tile.sums.squares.sum().item() for tile in tiles(given, list(tile_shapes(N, TILE_EDGE))))
    seconds = time.perf_counter() - began
    if not total > 0:
        raise RuntimeError(f"the brackets must have positive norms, their squares sum to {total}")
    peak = high_water.mark(device) - before - _held(given)
    return {"peak": peak, "seconds": seconds, "path": given.path.name}


def _held(given: Subject) -> int:
    """Bytes of the model and the data."""
    functional = given.functional
    tensors = (*functional.parameters.values(), *functional.buffers.values(), given.inputs, given.targets)
    return sum(tensor.nbytes for tensor in tensors)


def main() -> None:
    """Print the peak of one model as JSON: `MODEL N DEVICE`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=_MODELS)
    parser.add_argument("examples", type=int)
    parser.add_argument("device", choices=("cpu", "cuda"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with deterministic():
        print(json.dumps(_peak(arguments.model, arguments.examples, torch.device(arguments.device))))


if __name__ == "__main__":
    main()
