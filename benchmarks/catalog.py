"""Name -> module of a benchmark. Modules are imported only when they are run: each brings its own weight."""

from __future__ import annotations

from collections.abc import Mapping

BENCHMARKS: Mapping[str, str] = {
    "intake": "benchmarks.intake",
    "memory": "benchmarks.memory",
    "outage": "benchmarks.outage",
    "delivery": "benchmarks.delivery",
    "pipeline": "benchmarks.pipeline_rate",
    "store": "benchmarks.store_rates",
    "boards": "benchmarks.store_boards",
    "first-load": "benchmarks.first_load",
    "life": "benchmarks.store_life",
    "boards-memory": "benchmarks.store_memory",
    "page": "benchmarks.page",
    "alertmanager": "benchmarks.alertmanager",
    "rules": "benchmarks.rules",
    "instances": "benchmarks.instances",
    "instrument": "benchmarks.instrument",
}
