"""Run a command on one core, or with a Ray cluster of nodes of one core each, and print how long it took.

    python on_cores.py 0 COMMAND...    on the first core
    python on_cores.py N COMMAND...    with a cluster of N nodes, each pinned to a core of its own, on any core

The cluster is there before the time begins; that the command connects to it and starts its workers counts.
"""

import json
import os
import subprocess
import sys
import tempfile
import warnings
from time import perf_counter

MEMORY = 400_000_000  # bytes of objects that each node holds


def main() -> None:
    """Start the nodes, run the command, end them."""
    nodes, command = int(sys.argv[1]), sys.argv[2:]
    cores = sorted(os.sched_getaffinity(0))
    if nodes > len(cores):
        sys.exit(f"{nodes} nodes need as many cores, and there are {len(cores)}.")
    environment, errors = dict(os.environ), os.dup(2)
    cluster = None
    if nodes:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        warnings.simplefilter("ignore")
        from ray.cluster_utils import Cluster

        with tempfile.TemporaryFile("w") as quiet:  # Ray reports each node that it starts
            os.dup2(quiet.fileno(), 2)
        memory = {"object_store_memory": MEMORY}
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **memory})
        for core in cores[:nodes]:
            os.sched_setaffinity(0, {core})
            cluster.add_node(num_cpus=1, **memory)
        os.sched_setaffinity(0, cores)
        cluster.wait_for_nodes()
        environment["RAY_ADDRESS"] = cluster.address
    else:
        os.sched_setaffinity(0, cores[:1])
    begin = perf_counter()
    status = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=errors, check=False).returncode
    spent = perf_counter() - begin
    if cluster is not None:
        cluster.shutdown()
    print(json.dumps({"command_s": spent}), flush=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
