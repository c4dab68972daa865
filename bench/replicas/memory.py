"""Peak memory of a stack while it trains, in a fresh process for each R.

Axes: R members, P parameters.
"""

import argparse
import json
import subprocess
import sys

import torch

from bench.case import Conditions
from bench.peak import peak_bytes, reset_peak
from bench.replicas.subjects import MLP, Subject
from bench.report import Figure
from schemas.optimizers import Adam
from workers.determinism import deterministic


def members(conditions: Conditions) -> list[Figure]:
    """784-100-10 under Adam (θ and two moments for each member) in stacks of several sizes."""
    found = []
    for R in (16, 64) if conditions.quick else (1, 16, 64, 256):
        command = [sys.executable, "-m", "bench.replicas.memory", str(R), conditions.device.type]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        peak = json.loads(done.stdout)["peak"]
        found.append(Figure(f"MLP, Adam: peak memory of a stack of {R} beside the data", peak / 1e6, "MB"))
    return found


def _peak(R: int, device: torch.device) -> int:
    """The most memory held since the data was drawn, in bytes, over a few steps of R members."""
    subject = Subject.of(MLP, Adam(), device)
    subject.stacked(1).train(2)  # what libraries take at their first call
    before = reset_peak(device)
    subject.stacked(R).train(3)
    return peak_bytes(device) - before


def main() -> None:
    """Print the peak of a stack as JSON: `R DEVICE`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("members", type=int)
    parser.add_argument("device", choices=("cpu", "cuda"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with deterministic():
        print(json.dumps({"peak": _peak(arguments.members, torch.device(arguments.device))}))


if __name__ == "__main__":
    main()
