"""What every check keeps to, whatever it looks at."""

import pytest

from collector.check.catalog import CATALOG, ChecksConfig, build
from collector.check.contract import Check
from collector.check.field_types import FieldTypes, FieldTypesConfig
from collector.verdict import Cause, Objection, Origin
from foundation.batch import FieldType
from foundation.line_protocol.parse import parse_line
from tests.fakes.clock import ManualClock
from tests.fakes.pins import ForgetfulPins

ORIGIN = Origin("telemetry", "test", 0)
GOOD = parse_line(b'm,t=a f=1,s="x" 1')
BAD = {
    "field_types": parse_line(b"m,t=a f=1i 1"),
    "string_size": parse_line(b'm,t=a s="' + b"x" * 1_048_577 + b'" 1'),
}


async def _holds_nothing(bucket: str) -> dict[str, dict[str, FieldType]]:
    assert bucket
    return {}


@pytest.fixture(params=sorted(CATALOG))
def check(request: pytest.FixtureRequest, clock: ManualClock) -> Check:
    guard = FieldTypes(FieldTypesConfig(), ForgetfulPins(), _holds_nothing, clock)
    return {one.name: one for one in build(ChecksConfig(), guard)}[request.param]


def test_every_check_has_its_line_in_the_catalog():
    """What is built is what the catalog names, and what tocsin.yml can configure."""
    assert set(CATALOG) == set(BAD) == set(ChecksConfig.__dataclass_fields__)


async def test_a_prepared_check_is_ready(check: Check):
    """After `prepare` nothing is left to do for the bucket."""
    await check.prepare("telemetry")
    assert check.ready("telemetry")


def test_a_good_line_passes_and_a_bad_one_gets_a_cause_and_a_reason(check: Check):
    """Each judges by its own rule alone, and goes on judging behind a refusal."""
    checking = check.begin(ORIGIN)
    assert checking.judge(GOOD) is None
    objection = checking.judge(BAD[check.name])
    assert isinstance(objection, Objection)
    assert objection.cause in (Cause.FIELD_TYPE, Cause.STRING_SIZE)
    assert objection.reason
    assert checking.judge(GOOD) is None


def test_what_is_settled_passes_again(check: Check):
    """A line like one that was settled passes in every later body."""
    checking = check.begin(ORIGIN)
    assert checking.judge(GOOD) is None
    assert checking.settles(GOOD)
    checking.commit()
    later = check.begin(ORIGIN)
    assert later.judge(parse_line(b'm,t=b s="y",f=2 2')) is None


async def test_what_was_learnt_can_be_settled(check: Check):
    """After `settle` nothing waits to be written."""
    checking = check.begin(ORIGIN)
    checking.judge(GOOD)
    checking.commit()
    await check.settle()
    assert not check.unsettled
