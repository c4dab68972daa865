"""The command line: `python -m bench.brackets [--quick] [--json] [--save] [--device cpu|cuda] [--only CASE …]`."""

import os
import sys

# Read when torch is imported, here and in the processes that are started.
os.environ["OMP_NUM_THREADS"] = "1"

import torch

from bench.brackets import memory, norms, perturbations, service_job
from bench.case import Case, Conditions
from bench.report import Figure, parser, report
from workers.determinism import deterministic

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


def main() -> int:
    """Run the cases; 0 when every target is met."""
    options = parser("brackets")
    options.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where brackets are computed")
    options.add_argument("--only", choices=CASES, action="append", help="run this case alone; may be repeated")
    arguments = options.parse_args()
    if arguments.save and (arguments.only or arguments.quick):
        options.error("--save keeps the whole table: leave out --only and --quick")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        options.error("--device cuda needs a GPU that PyTorch can use, there is none: leave it out")
    torch.set_num_threads(1)
    conditions = Conditions(torch.device(arguments.device), arguments.quick)
    figures: list[Figure] = []
    with deterministic():
        for name in arguments.only or CASES:
            print(f"{name} …", file=sys.stderr)
            figures += (found := CASES[name](conditions))
            # Said at once: a whole run takes half an hour.
            for figure in found:
                print(f"  {figure.name}: {figure.value:.4g} {figure.unit}", file=sys.stderr)
    more = {"device": _device_name(conditions), "threads": "1", "load_at_end": f"{os.getloadavg()[0]:.1f}"}
    return report("brackets-cuda" if conditions.cuda else "brackets", figures, more, arguments)


def _device_name(conditions: Conditions) -> str:
    return torch.cuda.get_device_name(conditions.device) if conditions.cuda else "cpu"


if __name__ == "__main__":
    sys.exit(main())
