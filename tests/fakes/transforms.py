"""Transforms as tocsin.yml writes them, and what they make of lines."""

from dataclasses import dataclass
from pathlib import Path

from collector.decode.contract import Arrival
from collector.pipeline import BadLines, Outcome, Pipeline
from collector.transform.catalog import TransformConfig, build
from collector.transform.contract import Transform
from foundation.settings import decode
from tests.fakes.pins import ForgetfulPins

NOW_NS = 1_700_000_000_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    transforms: tuple[TransformConfig, ...] = ()


def transforms_of(text: str) -> tuple[Transform, ...]:
    """The transforms of a flow list such as `[{kind: drop, tags: [a]}]`."""
    return build(decode(Section, f"transforms: {text}", name="test", folder=Path(), env={}).transforms)


def pipeline_of(text: str, bad_lines: BadLines = BadLines.KEEP) -> Pipeline:
    """A pipeline with these transforms that knows nothing yet."""
    return ForgetfulPins.pipeline(bad_lines, transforms_of(text))


def run(pipeline: Pipeline, body: bytes, now_ns: int = NOW_NS, *, confirm: bool = True) -> Outcome:
    """The outcome of a body, made durable if `confirm`."""
    outcome = pipeline.run("line_protocol", Arrival(body, now_ns), bucket="telemetry", source="test")
    if confirm:
        outcome.confirm()
    return outcome


def stored(outcome: Outcome) -> bytes:
    return outcome.batch.body if outcome.batch else b""


def made(text: str, body: bytes) -> bytes:
    """What is stored of the body; the second of two passes, so that the fast path takes what it may."""
    pipeline = pipeline_of(text)
    first = run(pipeline, body)
    second = run(pipeline, body)
    assert stored(first) == stored(second)
    assert first.refused == second.refused
    return stored(second)
