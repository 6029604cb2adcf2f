"""The cluster that all tests of this folder share."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tenor


@pytest.fixture(scope="package")
def two_nodes(quick_jax: dict[str, str]) -> Iterator[Any]:
    """A Ray cluster of two nodes of one core each, which RAY_ADDRESS names. What a test adds to it, it takes away."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_health_check_period_ms", "500")  # a node that is killed is missed sooner
        patch.setenv("RAY_health_check_initial_delay_ms", "500")
        patch.setenv("RAY_worker_niceness", "0")  # not 15 below the test: on a busy machine that waits for minutes
        for name, value in quick_jax.items():  # workers have the environment of their node
            patch.setenv(name, value)
        source = str(Path(tenor.__file__).parents[1])
        patch.setenv("PYTHONPATH", os.pathsep.join([source, os.getenv("PYTHONPATH", "")]))
        memory = {"object_store_memory": 100_000_000}
        nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, **memory})
        nodes.add_node(num_cpus=1, **memory)
        patch.setenv("RAY_ADDRESS", nodes.address)
        yield nodes
        if ray.is_initialized():
            ray.shutdown()
        nodes.shutdown()
