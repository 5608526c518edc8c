"""Beside a real influxd: with `bad_lines: reject` the same bodies get the same status and leave the same points."""

import json

import pytest

from tests.fakes.agreement import judge, one_shard, ours, ours_alone, post, theirs, told_apart
from tests.fakes.bodies import make_body
from tests.fakes.influxd import Influxd


@pytest.mark.parametrize("block", range(6))
def test_status_and_points_are_influxds(influxd: Influxd, block: int):
    """Generated and mutated bodies, seeded, each into a bucket of its own."""
    judged = looked_at = 0
    for seed in range(block * 60, block * 60 + 60):
        body = make_body(seed)
        status, outcome = judge(body)
        if ours_alone(outcome):
            continue
        made = influxd.make_bucket(f"agree-{seed}")
        answer, words = post(influxd, f"agree-{seed}", body)
        if answer == 400 or status == 400 or one_shard(body):
            assert (answer, body) == (status, body), words
            judged += 1
            if status != 400 and told_apart(body):
                assert theirs(influxd, f"agree-{seed}") == ours(outcome), body
                looked_at += 1
        influxd.drop_bucket(made)
    assert judged > 20
    assert looked_at > 2


@pytest.mark.parametrize(
    "body",
    [
        b"m f=1 10\nm f=2i 20\nm f=3 30\n",
        b"m time=1,f=2 10",
        b"m time=1 10",
        b'm s="' + b"x" * 1_048_577 + b'" 10',
        b"m f=1,f=2i 10",
    ],
)
def test_what_the_storage_refuses_is_answered_in_its_words(influxd: Influxd, influx_bucket: str, body: bytes):
    """422, the reason, how many were dropped, and the same points left."""
    status, outcome = judge(body)
    answer, words = post(influxd, influx_bucket, body)
    message = json.loads(words)["message"]
    assert (status, answer) == (422, 422)
    assert outcome.listed[0].objection.reason in message
    assert f"dropped={outcome.dropped}" in message
    assert theirs(influxd, influx_bucket) == ours(outcome)
