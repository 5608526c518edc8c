"""The quick sort is the stable one."""

import numpy as np
import numpy.typing as npt
import pytest

from store.embedded.recent.stable import stable_order

COUNT = 3_000
RANDOM = np.random.default_rng(7)


def wide(low: int, high: int, kind: type) -> npt.NDArray[np.generic]:
    return RANDOM.integers(low, high, COUNT, dtype=kind)


VALUES = {
    "few": np.array([3.0, -1.0, 3.0]),
    "none": np.zeros(0),
    "equal": np.full(COUNT, 7.5),
    "rounded": np.round(RANDOM.lognormal(3, 1, COUNT), 1),
    "of both signs": RANDOM.normal(0, 1e-300, COUNT),
    "that differ in their last bits": 1.0 + RANDOM.integers(0, 50, COUNT) * np.finfo(np.float64).eps,
    "both zeros": np.where(RANDOM.random(COUNT) < 0.5, -0.0, 0.0),
    "infinite": np.where(RANDOM.random(COUNT) < 0.5, -np.inf, np.where(RANDOM.random(COUNT) < 0.5, np.inf, 1.0)),
    "bytes": wide(-128, 127, np.int8),
    "short": wide(-(2**31), 2**31 - 1, np.int32),
    "close": 2**62 + wide(0, 1_000, np.int64),
    "apart": wide(0, 2**40, np.int64),
    "whole range": wide(-(2**63), 2**63 - 1, np.int64),
    "few far apart": RANDOM.choice(np.array([-(2**63), 0, 1, 2, 2**63 - 1]), COUNT),
    "unsigned": wide(0, 2**64 - 1, np.uint64),
    "unsigned and close": 2**63 + wide(0, 1_000, np.uint64) % np.uint64(50),
}


@pytest.mark.parametrize("name", VALUES)
def test_it_is_the_stable_order(name: str) -> None:
    """Equal values keep their order, whatever their type, range and digits."""
    values = VALUES[name]
    assert stable_order(values).tolist() == np.argsort(values, kind="stable").tolist()
