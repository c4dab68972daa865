"""The command line of a bench that is made of cases, on one thread."""

import os
import sys
from collections.abc import Mapping

import torch

from bench.case import Case, Conditions
from bench.report import Figure, parser, report
from workers.determinism import deterministic


def run_cases(name: str, cases: Mapping[str, Case]) -> int:
    """Run the cases that the options ask for; 0 when every target is met.

    Args:
        name: Of the bench, and of its file under `bench/measured/`; with `-cuda` where it ran on a GPU.
        cases: By name.
    """
    options = parser(name)
    options.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where numbers are computed")
    options.add_argument("--only", choices=cases, action="append", help="run this case alone; may be repeated")
    arguments = options.parse_args()
    if arguments.save and (arguments.only or arguments.quick):
        options.error("--save keeps the whole table: leave out --only and --quick")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        options.error("--device cuda needs a GPU that PyTorch can use, there is none: leave it out")
    torch.set_num_threads(1)
    conditions = Conditions(torch.device(arguments.device), arguments.quick)
    figures: list[Figure] = []
    with deterministic():
        for case in arguments.only or cases:
            print(f"{case} …", file=sys.stderr)
            figures += (found := cases[case](conditions))
            # Said at once: a whole run takes half an hour.
            for figure in found:
                print(f"  {figure.name}: {figure.value:.4g} {figure.unit}", file=sys.stderr)
    more = {"device": _device_name(conditions), "threads": "1", "load_at_end": f"{os.getloadavg()[0]:.1f}"}
    return report(f"{name}-cuda" if conditions.cuda else name, figures, more, arguments)


def _device_name(conditions: Conditions) -> str:
    return torch.cuda.get_device_name(conditions.device) if conditions.cuda else "cpu"
