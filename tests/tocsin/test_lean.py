"""What is not used is not loaded, though it is installed."""

import subprocess
import sys

PROGRAM = """
import sys
from tocsin.lean import without_pandas
import pyarrow
with without_pandas():
    found = pyarrow.array([1, None, 3]).to_numpy(zero_copy_only=False)
    print(len(found), "pandas" in sys.modules)
    try:
        import pandas
    except ImportError:
        print("absent")
print(type(sys.meta_path[0]).__module__)
"""


def test_arrays_are_made_without_pandas() -> None:
    """Arrow takes it for absent, and makes the same arrays; behind it nothing is left in the way of imports."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split()[:3] == ["3", "False", "absent"]
    assert "tocsin" not in done.stdout.splitlines()[-1]
