"""`python -m service.embedded.ray_probe ADDRESS`: join a Ray cluster, print its resources as JSON, leave.

A program of its own, because joining a dead head ends the process after 81 s, and because a driver joins only once.
"""

import json
import logging
import sys


def main(address: str) -> None:
    """Print the resources of the cluster at `address`."""
    import ray

    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, namespace="holonomy-doctor")
    resources = ray.cluster_resources()  # type: ignore[no-untyped-call]  # Ray has no type
    sys.stdout.write(json.dumps(resources) + "\n")
    ray.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
