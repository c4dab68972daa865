"""The command line: `python -m bench.replicas [--quick] [--json] [--save] [--device cpu|cuda] [--only CASE …]`."""

import os
import sys

# Read when torch is imported, here and in the processes that are started.
os.environ["OMP_NUM_THREADS"] = "1"

from bench.case import Case
from bench.command import run_cases
from bench.replicas import looks, memory, reference, training

CASES: dict[str, Case] = {
    "mlp": training.reference,
    "mlp-rules": training.rules,
    "mlp-sizes": training.sizes,
    "convnet": training.conv_net,
    "looks": looks.cost,
    "memory": memory.against_members,
    "service": reference.through_the_service,
}


if __name__ == "__main__":
    sys.exit(run_cases("replicas", CASES))
