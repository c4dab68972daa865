"""Peak memory of a group in training against its size, each in a fresh process. Axes: R members, P parameters."""

import argparse
import json
import subprocess
import sys
from itertools import pairwise

import torch

from bench import high_water
from bench.case import Conditions
from bench.replicas.groups import group
from bench.report import Figure
from workers.determinism import deterministic

STEPS = 20


def against_members(conditions: Conditions) -> list[Figure]:
    """Groups of the reference run's network: the peak of each, and how it grows with R."""
    sizes = (16, 64) if conditions.quick else (16, 64, 256, 1_024)
    peaks, P = {}, 0
    for R in sizes:
        command = [sys.executable, "-m", "bench.replicas.memory", str(R), conditions.device.type]
        found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        peaks[R], P = found["peak"], found["parameters"]
    name = "784-100-10, training and a look"
    return [
        *(Figure(f"{name}: peak memory, R = {R}", peak / 1e6, "MB") for R, peak in peaks.items()),
        *(
            Figure(
                f"{name}: growth from R = {fewer} to {more}, over one member's parameters",
                (peaks[more] - peaks[fewer]) / (more - fewer) / (4 * P),
                "×",
            )
            for fewer, more in pairwise(sizes)
        ),
    ]


def main() -> None:
    """Print the peak above the data of a group of R members as JSON: `R DEVICE`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("members", type=int)
    parser.add_argument("device", choices=("cpu", "cuda"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device(arguments.device)
    with deterministic():
        # What is needed once, whatever R is, is there before the mark is set.
        _train(3, device)
        before = high_water.start(device)
        P = _train(arguments.members, device)
    print(json.dumps({"peak": high_water.mark(device) - before, "parameters": P}))


def _train(R: int, device: torch.device) -> int:
    """Train R members for some steps and look at them; P."""
    members = group(R, device)
    for step in range(1, STEPS + 1):
        members.step(step)
    members.look(STEPS, checkpoint=False)
    return sum(tensor[0].numel() for tensor in members.stack.parameters.values())


if __name__ == "__main__":
    main()
