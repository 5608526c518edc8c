"""Renaming: in one step, and never two values under one name."""

import pytest

from foundation.errors import ConfigError
from tests.fakes.transforms import made, pipeline_of, run, transforms_of


def test_measurement_tags_and_fields_get_their_new_names():
    """Values, other names and timestamps stay; tags are written in order."""
    text = "[{kind: rename, measurement: cpu, to: processor, tags: {host: machine}, fields: {usage: used}}]"
    assert made(text, b"cpu,host=a,region=eu usage=0.5,idle=3i 10\nother,host=a usage=1 11\n") == (
        b"processor,machine=a,region=eu used=0.5,idle=3i 10\nother,host=a usage=1 11\n"
    )


def test_names_can_be_exchanged():
    """Old names are those of the line as it came."""
    assert made("[{kind: rename, fields: {a: b, b: a}}]", b"m a=1,b=2 1\n") == b"m b=1,a=2 1\n"


def test_a_name_that_is_taken_is_refused():
    """A value is never lost silently under another."""
    outcome = run(pipeline_of("[{kind: rename, tags: {host: machine}}]"), b"m,host=a,machine=b f=1 1\n")
    assert [entry.objection.reason for entry in outcome.listed] == ['rename: "machine" is there already']
    assert outcome.refused == {"transform": 1}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[{kind: rename}]", "rename what"),
        ("[{kind: rename, to: x}]", "every measurement"),
        ("[{kind: rename, fields: {a: time}}]", '"time"'),
        ("[{kind: rename, tags: {a: c, b: c}}]", "one"),
        ("[{kind: renam}]", "did you mean rename"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, words: str):
    """A configuration error says what to mend."""
    with pytest.raises(ConfigError, match=words):
        transforms_of(text)
