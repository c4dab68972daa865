"""The command line: `python -m bench.brackets [--quick] [--json] [--save] [--device cpu|cuda] [--only CASE …]`."""

import os
import sys

# Read when torch is imported, here and in the processes that are started.
os.environ["OMP_NUM_THREADS"] = "1"

from bench.brackets import memory, norms, perturbations, service_job
from bench.case import Case
from bench.command import run_cases

CASES: dict[str, Case] = {
    "mlp-32": norms.small_mlp,
    "mlp-512": norms.large_mlp,
    "mlp-2048": memory.large_mlp,
    "convnet": norms.conv_net,
    "resnet": memory.resnet,
    "mlp-logits": perturbations.mlp,
    "convnet-logits": perturbations.conv_net,
    "service": service_job.against_the_kernel,
    "two-workers": service_job.two_workers,
}


if __name__ == "__main__":
    sys.exit(run_cases("brackets", CASES))
