"""Lines that transforms change are rewritten by recipes as they would be if each walked through every transform."""

from dataclasses import dataclass
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.constraint.forced_tags import ForcedTags
from collector.constraint.measurement_scope import MeasurementScope
from collector.decode.contract import Arrival
from collector.pipeline import Constraint, Outcome, Pipeline
from collector.transform.contract import Effect, Transform, Transforming
from collector.verdict import Origin, Ruling
from foundation.line_protocol.line import Line
from foundation.line_protocol.parse import parse_line
from foundation.line_protocol.precision import Precision
from foundation.line_protocol.split import split_lines
from tests.contract.test_transform import ALL
from tests.fakes.pins import ForgetfulPins
from tests.fakes.transforms import NOW_NS, pipeline_of, stored, transforms_of

HEADS = (
    "m",
    "m,t=a",
    "m,t=b,host=a",
    "m,host=b,t=a\\ b",
    "cpu,host=a,region=eu",
    "cpu,region=eu,host=7",
    "log,host=a\\,b",
)
FIELDS = {
    "f": ("1", "1.0", "-1e3", "1e300", ".5", "0.1", "7", "2i", "3u", "t", '"x"'),
    "g": ("1", "2.50", "1i"),
    "s": ('"a b"', '"say \\"x\\", y=1"', '""', '"ü"', "1"),
    "usage": ("0.07", "99.9", "1i"),
    "f2": ("1", "2"),
    "time": ("1",),
}
STAMPS = ("", " 1700000000", " 0", " -5", " 007")


def make_lines(luck: Random) -> bytes:
    rows = []
    for _ in range(luck.randint(1, 15)):
        usual = luck.choice((["f"], ["f", "s"]))
        keys = usual if luck.random() < 0.7 else luck.sample(sorted(FIELDS), luck.randint(1, 3))
        fields = ",".join(f"{key}={luck.choice(FIELDS[key][: luck.choice((2, 99))])}" for key in keys)
        rows.append(f"{luck.choice(HEADS)} {fields}{luck.choice(STAMPS[: luck.choice((2, 5))])}\n")
    if luck.random() < 0.3:
        rows.insert(luck.randint(0, len(rows)), luck.choice(("no line\n", "# a comment\n", "m f=1 1 1\n", "\n")))
    return "".join(rows).encode()


@dataclass(frozen=True, slots=True)
class Unforeseen:
    """A transform that tells nothing of other lines, so that every line is shown to it."""

    transform: Transform

    @property
    def name(self) -> str:
        return self.transform.name

    def begin(self, origin: Origin) -> "UnforeseenOfBody":
        return UnforeseenOfBody(self.transform.begin(origin))


@dataclass(frozen=True, slots=True)
class UnforeseenOfBody:
    transforming: Transforming

    def apply(self, line: Line) -> Ruling:
        return self.transforming.apply(line)

    def taken(self) -> None:
        self.transforming.taken()

    def leaves(self, line: Line) -> bool:
        return line is None

    def effect(self, line: Line) -> Effect | None:
        assert line.fields
        return None

    def confirm(self) -> None:
        self.transforming.confirm()


def meaning(outcome: Outcome) -> list[tuple[object, ...]]:
    lines = [parse_line(line) for _, line in split_lines(stored(outcome))]
    return [(line.measurement, sorted(line.tags), [*dict(line.fields).items()], line.time_ns) for line in lines]


def ruled(outcome: Outcome) -> tuple[object, ...]:
    listed = [(one.number, one.line, one.objection) for one in outcome.listed]
    return meaning(outcome), listed, outcome.refused, outcome.taken_out, outcome.altered, outcome.accepted


def sent(pipeline: Pipeline, body: bytes, precision: Precision, constraint: Constraint | None = None) -> Outcome:
    arrival = Arrival(body, NOW_NS, precision)
    outcome = pipeline.run("line_protocol", arrival, bucket="telemetry", source="test", constraint=constraint)
    outcome.confirm()
    return outcome


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(ALL), min_size=1, max_size=3),
    st.integers(0, 2**32),
    st.sampled_from([Precision.NS, Precision.S, Precision.M]),
)
def test_recipes_do_what_the_transforms_do(texts: list[str], seed: int, precision: Precision):
    """For any chain: the same lines are stored, refused, taken out and altered, whether lines walk or not."""
    luck = Random(seed)  # noqa: S311 - bodies that a failing run can name again
    text = f"[{', '.join(texts)}]"
    fast = pipeline_of(text)
    slow = ForgetfulPins.pipeline(transforms=[Unforeseen(one) for one in transforms_of(text)])
    for _ in range(3):
        body = make_lines(luck)
        assert ruled(sent(fast, body, precision)) == ruled(sent(slow, body, precision)), body


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ALL), min_size=1, max_size=2), st.integers(0, 2**32))
def test_recipes_let_no_token_past_its_gate(texts: list[str], seed: int):
    """Tokens that force the same tag share what is known; each line is still held to its own token's value."""
    luck = Random(seed)  # noqa: S311 - bodies that a failing run can name again
    text = f"[{', '.join(texts)}]"
    fast = pipeline_of(text)
    slow = ForgetfulPins.pipeline(transforms=[Unforeseen(one) for one in transforms_of(text)])
    bound = [
        Constraint("host", gate=[MeasurementScope(("m", "cpu"), host), ForcedTags({"host": host}, host)])
        for host in ("a", "b")
    ]
    for _ in range(4):
        body, constraint = make_lines(luck), luck.choice(bound)
        assert ruled(sent(fast, body, Precision.NS, constraint)) == ruled(sent(slow, body, Precision.NS, constraint))


class Counting:
    """A transform that notes how many lines it was shown."""

    def __init__(self, transform: Transform) -> None:
        self.name = transform.name
        self.shown = 0
        self._transform = transform

    def begin(self, origin: Origin) -> Transforming:
        transforming = self._transform.begin(origin)
        apply = transforming.apply

        def counted(line: Line) -> Ruling:
            self.shown += 1
            return apply(line)

        seen = UnforeseenOfBody(transforming)
        return CountingOfBody(seen, counted)


@dataclass(frozen=True, slots=True)
class CountingOfBody:
    seen: UnforeseenOfBody
    apply: object

    def taken(self) -> None:
        self.seen.taken()

    def leaves(self, line: Line) -> bool:
        return self.seen.transforming.leaves(line)

    def effect(self, line: Line) -> Effect | None:
        return self.seen.transforming.effect(line)

    def confirm(self) -> None:
        self.seen.confirm()


def test_a_line_like_one_before_is_not_shown_to_a_transform_again():
    """Measurement and tags are known, so the tag is put in and the fields are copied."""
    counting = Counting(transforms_of("[{kind: add_tag, tag: site, value: berlin}]")[0])
    pipeline = ForgetfulPins.pipeline(transforms=[counting])
    sent(pipeline, b"m,host=a f=1 1\nm,host=b f=1 1\n", Precision.NS)
    shown = counting.shown
    outcome = sent(pipeline, b"m,host=b f=2.50 2\nm,host=a f=7\n" * 100, Precision.NS)
    assert stored(outcome) == (b"m,host=b,site=berlin f=2.50 2\nm,host=a,site=berlin f=7 %d\n" % NOW_NS) * 100
    assert outcome.altered == {"add_tag": 200}
    assert (shown, counting.shown) == (2, 2)


def test_what_was_made_is_held_to_the_types_of_where_it_goes():
    """A recipe sends lines to another measurement; a field of another type than it has there is refused as ever."""
    pipeline = pipeline_of("[{kind: rename, measurement: m, where: {host: a}, to: n}]")
    sent(pipeline, b"n f=1i 1\nm,host=a g=1 1\nm,host=b f=1,g=1 1\n", Precision.NS)
    outcome = sent(pipeline, b"m,host=b f=1,g=1 2\nm,host=a g=2 2\nm,host=a f=2 2\n", Precision.NS)
    assert stored(outcome) == b"m,host=b f=1,g=1 2\nn,host=a g=2 2\n"
    assert [one.number for one in outcome.listed] == [3]
    assert "already exists as type integer" in outcome.listed[0].objection.reason


def test_lines_of_one_series_with_other_fields_have_plans_of_their_own():
    """Each set of fields is shown once; what changed it is counted by its own transforms."""
    chain = "[{kind: rename, fields: {f: f2}}, {kind: convert_unit, field: g, factor: 2}]"
    pipeline = pipeline_of(chain)
    for _ in range(2):
        outcome = sent(pipeline, b"m f=1 1\nm g=2 2\nm f=3,g=4 3\n" * 50, Precision.NS)
        assert stored(outcome) == b"m f2=1 1\nm g=4.0 2\nm f2=3,g=8.0 3\n" * 50
        assert outcome.altered == {"rename": 100, "convert_unit": 100}
    counting = [Counting(one) for one in transforms_of(chain)]
    shown = ForgetfulPins.pipeline(transforms=counting)
    for _ in range(3):
        sent(shown, b"m f=1 1\nm g=2 2\nm f=3,g=4 3\n" * 50, Precision.NS)
    assert counting[0].shown < 20
