"""The command line: `python -m bench.replicas [--quick] [--json] [--save] [--device cpu|cuda] [--only CASE …]`."""

import os
import sys

# Read when torch is imported, here and in the processes that are started.
os.environ["OMP_NUM_THREADS"] = "1"

from bench.case import Case
from bench.cases import run_cases
from bench.replicas import memory, training

CASES: dict[str, Case] = {
    "mlp": training.reference,
    "mlp-rules": training.rules,
    "mlp-sizes": training.sizes,
    "convnet": training.conv_net,
    "memory": memory.members,
}


def main() -> int:
    """Run the cases; 0 when every target is met."""
    return run_cases("replicas", CASES)


if __name__ == "__main__":
    sys.exit(main())
