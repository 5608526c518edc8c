"""The write API through a real socket: statuses, headers and bodies as InfluxDB's clients expect them."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collector.buffer.contract import BufferFull
from collector.intake.http import IntakeConfig
from collector.pipeline import BadLines
from tests.fakes.intake import NOW_NS, RunningIntake, running_intake

V2 = "/api/v2/write?org=any&bucket=telemetry"


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    async with running_intake(tmp_path) as running:
        yield running


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    config = IntakeConfig(listen="127.0.0.1:0", tokens="open", bad_lines=BadLines.REJECT)
    async with running_intake(tmp_path, config) as running:
        yield running


@pytest.mark.parametrize("path", ["/api/v2/write", "/write", V2, "/write?db=telemetry"])
async def test_success_is_204_with_nothing_in_it(intake: RunningIntake, path: str):
    """Both write APIs answer 204, empty, with InfluxDB's headers; without a bucket lines go to the default one."""
    answer = await intake.post(path, b"m f=1 10\nm f=2 20\n")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["X-Influxdb-Version"] == "v2.9.1"
    assert answer.headers["X-Influxdb-Build"] == "OSS"
    assert intake.buffer.lines() == ["m f=1 10", "m f=2 20"]


@pytest.mark.parametrize(
    ("path", "stamp"),
    [
        ("/api/v2/write?precision=", 7),
        ("/api/v2/write?precision=us", 7_000),
        ("/api/v2/write?precision=ms", 7_000_000),
        ("/api/v2/write?precision=s", 7_000_000_000),
        ("/write?precision=n", 7),
        ("/write?precision=u", 7_000),
        ("/write?precision=m", 7 * 60_000_000_000),
        ("/write?precision=h", 7 * 3_600_000_000_000),
    ],
)
async def test_precision_is_the_unit_of_timestamps(intake: RunningIntake, path: str, stamp: int):
    """v1 knows minutes and hours as InfluxDB 1.x does; the same holds once the shape of the lines is known."""
    for _ in range(2):
        assert (await intake.post(path, b"m f=1 7\nm f=2 7\n")).status == 204
    assert intake.buffer.lines() == [f"m f=1 {stamp}", f"m f=2 {stamp}"] * 2


@pytest.mark.parametrize("path", ["/api/v2/write?precision=m", "/api/v2/write?precision=n", "/write?precision=us"])
async def test_an_unknown_precision_is_400(intake: RunningIntake, path: str):
    """A unit that the API does not know is refused, and nothing is taken."""
    answer = await intake.post(path, b"m f=1 7")
    assert answer.status == 400
    assert answer.headers["X-Platform-Error-Code"] == "invalid"
    assert "invalid precision" in json.loads(answer.body)["message"]
    assert intake.buffer.batches == []


@pytest.mark.parametrize("bucket", ["x" * 256, "a%00b", "a%0Ab"])
async def test_a_bucket_has_a_name_that_people_can_read(intake: RunningIntake, bucket: str):
    """Names of other kinds are refused before anything is made for them."""
    assert (await intake.post(f"/api/v2/write?bucket={bucket}", b"m f=1")).status == 400
    assert intake.buffer.batches == []


async def test_lines_without_a_timestamp_share_one_stamp(intake: RunningIntake):
    """The stamp is the time of receipt, put on before the line is durable, so that a retry inside is harmless."""
    for _ in range(2):
        await intake.post(V2, b"m f=1\nm f=2\nm f=3 5")
    assert intake.buffer.lines() == [f"m f=1 {NOW_NS}", f"m f=2 {NOW_NS}", "m f=3 5"] * 2


async def test_keep_takes_the_good_lines_and_lists_the_bad(intake: RunningIntake):
    """A bad line costs itself: 400 names its row and reason, the others are durable."""
    answer = await intake.post(V2, b"m f=1 1\n\n# note\nm f= 2\nm f=3 3\nm g=x\n")
    body = json.loads(answer.body)
    assert answer.status == 400
    assert body["code"] == "invalid"
    assert "line 4: unable to parse 'm f= 2': missing field value" in body["message"]
    assert body["message"].startswith("partial write: ")
    assert body["message"].endswith("dropped=2")
    assert body["error"] == body["message"]
    assert (body["accepted"], body["rejected"]) == (2, 2)
    assert [(line["number"], line["reason"]) for line in body["lines"]] == [
        (4, "missing field value"),
        (6, "invalid value"),
    ]
    assert intake.buffer.lines() == ["m f=1 1", "m f=3 3"]
    assert intake.count("tocsin_rejected_lines_total", bucket="telemetry", reason="syntax") == 2
    assert intake.count("tocsin_accepted_lines_total", bucket="telemetry") == 2
    assert intake.count("tocsin_received_lines_total", bucket="telemetry") == 4


async def test_reject_takes_all_or_nothing(strict: RunningIntake):
    """As influxd does: one bad line refuses the body, in influxd's words, and every line is accounted for."""
    answer = await strict.post(V2, b"m f=1 1\nm f= 2\nm f=3 3\n")
    assert answer.status == 400
    assert json.loads(answer.body)["message"] == "unable to parse 'm f= 2': missing field value"
    assert strict.buffer.batches == []
    assert strict.count("tocsin_rejected_lines_total", bucket="telemetry", reason="whole_body") == 2


async def test_a_body_refused_as_a_whole_pins_no_type(strict: RunningIntake):
    """What was not taken does not decide what may come."""
    await strict.post(V2, b"m f=1 1\nm f= 2\n")
    assert (await strict.post(V2, b"m f=1i 1")).status == 204


async def test_cr_before_the_newline_is_forgiven_or_not(intake: RunningIntake, strict: RunningIntake):
    """With keep a CR is taken off, known shape or not; with reject it is refused as influxd refuses it."""
    for _ in range(2):
        assert (await intake.post(V2, b'm f=1 1\r\nm f=2,s="a\r\nb" 2\r\n\r\n')).status == 204
    assert b"".join(one.body for one in intake.buffer.batches) == b'm f=1 1\nm f=2,s="a\r\nb" 2\n' * 2
    assert (await strict.post(V2, b"m f=1 1\r\n")).status == 400


async def test_a_type_conflict_is_422_and_the_rest_is_stored(intake: RunningIntake):
    """In influxd's words; every store gets the answer that influxd would give."""
    answer = await intake.post(V2, b"m f=1 10\nm f=2i 20\nm f=3 30\n")
    body = json.loads(answer.body)
    assert answer.status == 422
    assert body["code"] == "unprocessable entity"
    assert body["message"] == (
        'failure writing points to database: partial write: field type conflict: input field "f" on '
        'measurement "m" is type integer, already exists as type float dropped=1'
    )
    assert intake.buffer.lines() == ["m f=1 10", "m f=3 30"]


async def test_bad_lines_of_several_kinds_are_told_together(intake: RunningIntake):
    """400 where any line is none; each is told in the words of its kind."""
    answer = await intake.post(V2, b"m f=1 1\nm f=2i 2\nm f=\n")
    assert answer.status == 400
    assert json.loads(answer.body)["message"] == (
        'partial write: line 2: field type conflict: input field "f" on measurement "m" is type integer, '
        "already exists as type float\nline 3: unable to parse 'm f=': missing field value dropped=2"
    )


async def test_a_field_named_time_is_stripped_and_said(intake: RunningIntake):
    """422 with dropped=0 as influxd answers; a point with no other field is dropped."""
    answer = await intake.post(V2, b"m time=1,f=2 10")
    assert answer.status == 422
    assert json.loads(answer.body)["message"].endswith(
        'input field "time" on measurement "m" is invalid. Field "time" has been stripped from point. dropped=0'
    )
    answer = await intake.post(V2, b"m time=1 10")
    assert answer.status == 422
    assert json.loads(answer.body)["message"].endswith('input field "time" on measurement "m" is invalid dropped=1')
    assert intake.buffer.lines() == ["m f=2 10"]


async def test_a_string_longer_than_influxdb_keeps_is_422(intake: RunningIntake):
    """One byte over 1 MiB is refused at intake, because the store would refuse it after the acknowledgement."""
    assert (await intake.post(V2, b'm s="' + b"x" * 1_048_576 + b'" 1')).status == 204
    answer = await intake.post(V2, b'm s="' + b"x" * 1_048_577 + b'" 1')
    assert answer.status == 422
    assert 'input field "s" on measurement "m" is too long, 1048577 > 1048576' in json.loads(answer.body)["message"]


async def test_gzip_is_inflated_once_members_and_all(intake: RunningIntake):
    """Content-Encoding gzip and x-gzip, several members in one body; any other encoding is read as it is."""
    packed = gzip.compress(b"m f=1 1\n", mtime=0) + gzip.compress(b"m f=2 2\n", mtime=0)
    for encoding in ("gzip", "x-gzip"):
        assert (await intake.post(V2, packed, Content_Encoding=encoding)).status == 204
    assert (await intake.post(V2, b"m f=3 3", Content_Encoding="identity")).status == 204
    assert intake.buffer.lines() == ["m f=1 1", "m f=2 2"] * 2 + ["m f=3 3"]


@pytest.mark.parametrize(
    "body",
    [b"m f=1 1", b"", gzip.compress(b"m f=1 1", mtime=0)[:-1], gzip.compress(b"m f=1 1", mtime=0)[:-8] + bytes(8)],
)
async def test_bad_gzip_is_400(intake: RunningIntake, body: bytes):
    """Plain, empty, cut off, or with a wrong checksum."""
    answer = await intake.post(V2, body, Content_Encoding="gzip")
    assert answer.status == 400
    assert "bad gzip" in json.loads(answer.body)["message"]
    assert intake.count("tocsin_refused_bodies_total", reason="gzip") == 1


async def test_too_large_is_413_as_sent_and_as_inflated(tmp_path: Path):
    """The limit holds for what arrives and for what it becomes."""
    config = IntakeConfig(listen="127.0.0.1:0", tokens="open", max_body_bytes=1000)
    async with running_intake(tmp_path, config) as intake:
        line = b"m f=1 1\n"
        assert (await intake.post(V2, line * 125)).status == 204
        answer = await intake.post(V2, line * 126)
        assert answer.status == 413
        assert json.loads(answer.body)["code"] == "request too large"
        assert (await intake.post(V2, gzip.compress(line * 125), Content_Encoding="gzip")).status == 204
        assert (await intake.post(V2, gzip.compress(line * 126), Content_Encoding="gzip")).status == 413


async def test_a_full_buffer_is_503_with_retry_after(intake: RunningIntake):
    """Back-pressure that every sender keeps its data for; the refused lines are counted."""
    intake.buffer.failures.append(BufferFull("the quota of 1 GiB is used up", retry_after_s=7))
    answer = await intake.post(V2, b"m f=1 1")
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "7"
    assert json.loads(answer.body)["code"] == "unavailable"
    assert intake.count("tocsin_rejected_lines_total", bucket="telemetry", reason="unavailable") == 1
    assert (await intake.post(V2, b"m f=1 1")).status == 204


async def test_nothing_to_store_is_204(intake: RunningIntake):
    """Empty bodies, comments and blank lines are no error."""
    for body in (b"", b"\n", b"# only a comment\n", b"  \n\t\n"):
        assert (await intake.post(V2, body)).status == 204
    assert intake.buffer.batches == []


async def test_a_body_in_chunks_and_one_that_asks_first_are_read(intake: RunningIntake):
    """Transfer-Encoding: chunked, and Expect: 100-continue."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"m f=1"
        yield b" 1\nm f=2 2\n"

    async with intake.session.post(intake.url + V2, data=chunks()) as response:
        assert response.status == 204
    async with intake.session.post(intake.url + V2, data=b"m f=3 3", expect100=True) as response:
        assert response.status == 204
    assert intake.buffer.lines() == ["m f=1 1", "m f=2 2", "m f=3 3"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", V2, 405), ("POST", "/nowhere", 404), ("PUT", "/ping", 405)]
)
async def test_wrong_paths_and_methods(intake: RunningIntake, method: str, path: str, status: int):
    """404 and 405 in the same JSON form."""
    answer = await intake.ask(method, path)
    assert answer.status == status
    assert set(json.loads(answer.body)) == {"code", "message", "error"}


async def test_readings_as_json_are_stored(intake: RunningIntake):
    """A device that can only send JSON is served, and its faults are told by item."""
    reading = {"device": "d7", "temp": 21, "time": 5}
    answer = await intake.post("/v1/telemetry", json.dumps([reading, {"device": "d7"}, 7]).encode())
    assert answer.status == 400
    assert [line["number"] for line in json.loads(answer.body)["lines"]] == [2, 3]
    assert intake.buffer.lines() == ["device_reading,device=d7 temp=21.0 5000000"]
    answer = await intake.post("/v1/telemetry?measurement=room&bucket=home&precision=s", json.dumps(reading).encode())
    assert answer.status == 204
    assert intake.buffer.lines("home") == ["room,device=d7 temp=21.0 5000000000"]
    answer = await intake.post("/v1/telemetry", b"{nope")
    assert answer.status == 400
    assert "not JSON" in json.loads(answer.body)["message"]
