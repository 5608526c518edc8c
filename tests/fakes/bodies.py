"""Bodies of line protocol as clients send them and as broken ones do: seeds, and what becomes of them by mutation."""

import re
from collections.abc import Iterator
from random import Random

from foundation.line_protocol.split import line_end

SEEDS = (
    b"m f=1 10",
    b"m f=1",
    b"m f=1 00010",
    b"m f=1 -0",
    b"cpu,host=a,region=eu usage=0.5,idle=3i 1700000000000000000",
    b"cpu,region=eu,host=a usage=.5 -1",
    b"cpu,host=a\\ b,x=y\\,z u=12u,b=t,c=FALSE",
    b'log,host=a msg="hello \\"you\\", \\\\ = x",level=2i 5',
    b'log msg="two\nrows",n=1e3 6',
    b"# a comment",
    b"",
    b"  m f=2  7 ",
    b"m\\,x,t\\=1=v\\=w f\\ g=-1.5e-3 8",
    b"m f=9223372036854775807i 9223372036854775806",
    b"m f=18446744073709551615u",
    b"m f=1i 10",
    b'm f="s" 10',
    b"m f=true,g=1,f=3 11",
    b"m\xc3\xa9,t=\xe2\x82\xac f=1 12",
)
PIECES = (
    b" ",
    b",",
    b"=",
    b'"',
    b"\\",
    b"\n",
    b"\t",
    b"\0",
    b"\r",
    b"#",
    b"i",
    b"u",
    b"e",
    b"-",
    b".",
    b"1",
    b"t",
    b"m",
)


_STAMP = re.compile(rb"(?: -?[0-9]+)? *\Z")


def make_body(seed: int, *, most_lines: int = 5, most_mutations: int = 3) -> bytes:
    """The body that grows under this number."""
    random = Random(seed)  # noqa: S311 - bodies that a failing run can name again
    return grow_body(random, most_lines=most_lines, most_mutations=most_mutations)


def grow_body(
    random: Random, *, most_lines: int = 5, most_mutations: int = 3, stamps: Iterator[int] | None = None
) -> bytes:
    """A few seeds, some of them mutated by a piece that is put in, taken out or doubled.

    With `stamps` each seed that is a point gets the next of them as its timestamp, before the mutations.
    """
    seeds = [random.choice(SEEDS) for _ in range(random.randint(1, most_lines))]
    if stamps is not None:
        seeds = [_STAMP.sub(b"", seed) + b" %d" % next(stamps) if b"=" in seed else seed for seed in seeds]
    body = bytearray(b"\n".join(seeds))
    for _ in range(random.randint(0, most_mutations)):
        at = random.randint(0, len(body))
        match random.randint(0, 2):
            case 0:
                body[at:at] = random.choice(PIECES)
            case 1:
                del body[at : at + 1]
            case _:
                body[at : at + 1] = random.choice(PIECES)
    if random.random() < 0.5:
        body += b"\n"
    return bytes(body)


def raw_lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Each line with its number and its leading blanks, which have a say in where it ends."""
    at = 0
    while at < len(body):
        end = line_end(body, at)
        yield 1 + body.count(b"\n", 0, at), body[at:end]
        at = end + 1
