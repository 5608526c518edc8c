"""Few heaps for all threads, in a process of its own: it cannot be taken back."""

import os
import subprocess
import sys

import pytest

_PROGRAM = """
import ctypes, re, tempfile, threading
from foundation.allocation import share_heaps
share_heaps()
import pyarrow
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
met = threading.Barrier(8)
def allocate():
    met.wait()
    libc.malloc(1000)
    met.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with tempfile.NamedTemporaryFile() as told:
    file = libc.fopen(told.name.encode(), b"w")
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(len(re.findall("<heap nr=", told.read().decode())), pyarrow.default_memory_pool().backend_name)
"""


def _heaps(**wishes: str) -> tuple[int, str]:
    """How many heaps eight threads have that allocate at once, and the name of Arrow's allocator."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "ARROW_"))}
    command = [sys.executable, "-c", _PROGRAM]
    ran = subprocess.run(command, env={**kept, **wishes}, capture_output=True, text=True, check=True)
    count, backend = ran.stdout.split()
    return int(count), backend


@pytest.mark.skipif(sys.platform != "linux", reason="heaps of threads are glibc's")
def test_threads_share_two_heaps() -> None:
    """However many threads there are; Arrow allocates in the same ones."""
    count, backend = _heaps()
    assert count <= 2
    assert backend == "system"


@pytest.mark.skipif(sys.platform != "linux", reason="heaps of threads are glibc's")
def test_wishes_of_the_environment_are_kept() -> None:
    """Whoever runs the process knows better."""
    count, backend = _heaps(MALLOC_ARENA_MAX="5", ARROW_DEFAULT_MEMORY_POOL="mimalloc")
    assert count > 2
    assert backend == "mimalloc"


_HOLES = """
import ctypes
from datetime import timedelta
from foundation.allocation import FreeMemory
from tests.fakes.clock import ManualClock
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
def resident():
    with open("/proc/self/statm") as told:
        return int(told.read().split()[1]) * 4096
clock = ManualClock()
memory = FreeMemory(clock)
held = [libc.malloc(100_000) for _ in range(400)]
for one in held:
    ctypes.memset(one, 1, 100_000)
for one in held[::2]:
    libc.free(one)
clock.advance(timedelta(seconds=1))
sizes, given = [resident()], []
for one in held[1::4], held[3::4]:
    given.append(memory.give_back())
    sizes.append(resident())
    for place in one:
        libc.free(place)
clock.advance(timedelta(seconds=1))
given.append(memory.give_back())
sizes.append(resident())
print(*given, sizes[0] - sizes[1] > 10_000_000, sizes[1] - sizes[2] < 1_000_000, sizes[2] - sizes[3] > 10_000_000)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="heaps that are trimmed are glibc's")
def test_what_is_free_between_others_is_given_back_once_a_second() -> None:
    """Half of 40 MB, of which every other piece is still held; then nothing; a second later what came free since."""
    ran = subprocess.run([sys.executable, "-c", _HOLES], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True", "False", "True", "True", "True", "True"]


_LARGE = """
import ctypes
from foundation.allocation import share_heaps
share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
class Told(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    _fields_ = [(name, ctypes.c_int) for name in names]
libc.mallinfo.restype = Told
libc.free(libc.malloc(16 << 20))
before = libc.mallinfo().hblkhd
libc.malloc(8 << 20)
print(libc.mallinfo().hblkhd - before >= 8 << 20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="heaps of threads are glibc's")
@pytest.mark.parametrize(("wishes", "is_apart"), [({}, "True"), ({"MALLOC_MMAP_THRESHOLD_": "33554432"}, "False")])
def test_what_is_large_stays_out_of_the_heaps(wishes: dict[str, str], is_apart: str) -> None:
    """Also when glibc has seen larger pieces come free; unless whoever runs the process wants it otherwise."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    ran = subprocess.run(
        [sys.executable, "-c", _LARGE], env={**kept, **wishes}, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == [is_apart]
