"""What a process of ours does without, though it may be installed beside us."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_UNUSED = "pandas"


class _Absent:
    """Says of a module that it is not there; what asks for it only where it is installed goes on without."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """See importlib.abc.MetaPathFinder. Raises ModuleNotFoundError for what is not used."""
        if name == _UNUSED:
            raise ModuleNotFoundError(f"{name} is not used here", name=name)


@contextmanager
def without_pandas() -> Iterator[None]:
    """Arrow imports pandas with the first array that it makes: 45 MB and a fifth of a second, and for nothing."""
    absent = _Absent()
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)
