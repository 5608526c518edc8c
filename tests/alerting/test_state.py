"""The table, cell by cell and against a slow reading of whole histories."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting import state
from alerting.alert import Alert, Change, Datapoint, Level, State, Transition
from alerting.looking_back import Outcome, look_back
from alerting.rules.policy import Datapoints, Flapping, Missing, Policy
from alerting.rules.threshold import Threshold
from alerting.state import OPEN, TABLE, Finding, Phase
from tests.alerting.histories import EVERY, ZERO, Seen, cloudwatch, reread

FRESH = Alert(rule="R", labels=(("alertname", "R"),))
WARN = Policy(every=EVERY, warn=Threshold(">", 300))
BOTH = replace(WARN, critical=Threshold(">", 800), resolve=Threshold("<", 250))


def walk(policy: Policy, text: str, *, alert: Alert | None = FRESH) -> list[tuple[str, str]]:
    """(state, changes) after each word of `text`: a value or `-` for a gap, `!` for behind, `?` for a failed query."""
    told = []
    for number, word in enumerate(text.split()):
        behind, plain = word.endswith("!"), word.rstrip("!")
        now = ZERO + EVERY * number
        changes: tuple[Transition, ...] = ()
        if plain != "?" and alert is not None:
            value = None if plain == "-" else float(plain)
            alert, changes = state.step(policy, alert, Datapoint(now, value), now, behind=behind)
        stands = "gone" if alert is None else alert.state.value
        if alert is not None and alert.state in OPEN:
            stands += f" {alert.level.severity}"
        told.append((stands, " ".join(change.change for change in changes)))
    return told


def states(policy: Policy, text: str) -> list[str]:
    return [stands for stands, _ in walk(policy, text)]


def changes(policy: Policy, text: str) -> list[str]:
    return [told for _, told in walk(policy, text)]


@pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(days=400)])
def test_a_clock_that_is_set_back_delays_no_alert_for_longer_than_its_timers(by: timedelta) -> None:
    """`for` and `keep_firing_for` that began in what is now the future begin again; they do not last until then."""
    policy = replace(WARN, hold=2 * EVERY, keep_firing_for=2 * EVERY)
    alert, told = FRESH, []
    for n, value in enumerate([400, 400, 400, 400, 100, 100, 100, 100]):
        now = ZERO + n * EVERY - (by if n >= 1 else timedelta(0)) - (by if n >= 5 else timedelta(0))
        after, changes = state.step(policy, alert, Datapoint(now, value), now, behind=False)
        assert after is not None
        alert = after
        told += [(n, one.change) for one in changes]
    assert told == [(0, Change.PENDING), (3, Change.FIRED), (7, Change.RESOLVED)]


def test_the_table_is_total():
    """Every phase has a cell for every finding, and every phase can be reached."""
    assert set(TABLE) == set(Phase)
    assert all(set(row) == set(Finding) for row in TABLE.values())
    assert {move.to for row in TABLE.values() for move in row.values()} == set(Phase)


@pytest.mark.parametrize("phase", Phase)
def test_nothing_held_moves(phase: Phase):
    """A finding that concludes nothing leaves every phase as it is, silently."""
    assert TABLE[phase][Finding.HELD] == state.Move(phase)


@pytest.mark.parametrize("finding", [Finding.BETWEEN, Finding.GOOD, Finding.GOOD_LONG, Finding.HELD])
def test_an_inactive_alert_rests(finding: Finding):
    """What is not bad leaves an inactive alert alone: `step` may take the short way there."""
    assert TABLE[Phase.INACTIVE][finding] == state.Move(Phase.INACTIVE)


@pytest.mark.parametrize("phase", Phase)
def test_only_good_or_the_end_resolves(phase: Phase):
    """An open incident closes by good data that lasted, or because the alert ceases to exist; by nothing else."""
    resolving = {finding for finding, move in TABLE[phase].items() if move.change is Change.RESOLVED}
    assert resolving <= {Finding.GOOD_LONG, Finding.ENDED}


def test_every_way_out_of_an_open_incident_is_told():
    """Whoever was paged hears of the end: no cell leads from an open phase to inactive without `resolved`."""
    is_open = [Phase.FIRING, Phase.CALMING, Phase.NO_DATA]
    moves = [move for phase in is_open for move in TABLE[phase].values() if move.to is Phase.INACTIVE]
    assert {move.change for move in moves} == {Change.RESOLVED}


CASES = [
    ("for: 0 fires at once", WARN, "100 301 300", ["inactive", "firing warning", "inactive"]),
    (
        "for is served when it is reached exactly",
        replace(WARN, hold=2 * EVERY),
        "400 400 400 400",
        ["pending", "pending", "firing warning", "firing warning"],
    ),
    (
        "a good value resets pending",
        replace(WARN, hold=2 * EVERY),
        "400 400 100 400 400 400",
        ["pending", "pending", "inactive", "pending", "pending", "firing warning"],
    ),
    (
        "a gap under keep does not end for, the next bad value does",
        replace(WARN, hold=2 * EVERY),
        "400 - - - 400",
        ["pending", "pending", "pending", "pending", "firing warning"],
    ),
    (
        "a failed query leaves the timer running",
        replace(WARN, hold=2 * EVERY),
        "400 ? 400",
        ["pending", "pending", "firing warning"],
    ),
    (
        "a value between resolve and threshold resets pending",
        replace(BOTH, hold=2 * EVERY),
        "400 270 400 400 400",
        ["pending", "inactive", "pending", "pending", "firing warning"],
    ),
    (
        "hysteresis holds a firing alert until resolve is reached",
        BOTH,
        "270 400 270 250 249",
        ["inactive", "firing warning", "firing warning", "firing warning", "inactive"],
    ),
    (
        "levels follow the value at once, down to the lowest within the hysteresis",
        BOTH,
        "400 900 700 900 270 100",
        ["firing warning", "firing critical", "firing warning", "firing critical", "firing warning", "inactive"],
    ),
    (
        "keep_firing_for starts at the first good value",
        replace(WARN, keep_firing_for=2 * EVERY),
        "400 100 100 100",
        ["firing warning", "firing warning", "firing warning", "inactive"],
    ),
    (
        "a bad value ends the countdown of keep_firing_for",
        replace(WARN, keep_firing_for=2 * EVERY),
        "400 100 400 100 100 100",
        ["firing warning"] * 5 + ["inactive"],
    ),
    (
        "a value between resolve and threshold ends the countdown too",
        replace(BOTH, keep_firing_for=2 * EVERY),
        "400 100 100 270 100 100 100",
        ["firing warning"] * 6 + ["inactive"],
    ),
    (
        "the countdown does not end on a gap",
        replace(WARN, keep_firing_for=2 * EVERY),
        "400 100 - - - 100",
        ["firing warning"] * 5 + ["inactive"],
    ),
    ("a gap under keep keeps", WARN, "400 - - -", ["firing warning"] * 4),
    ("a gap under ok is good", replace(WARN, missing=Missing.OK), "400 -", ["firing warning", "inactive"]),
    (
        "a gap under alert is bad at the worst level, and for is served",
        replace(BOTH, missing=Missing.ALERT, hold=EVERY),
        "100 - - 100",
        ["inactive", "pending", "firing critical", "inactive"],
    ),
    (
        "a gap under missing leaves firing for no-data, and good data resolves",
        replace(WARN, missing=Missing.MISSING),
        "400 - - 100",
        ["firing warning", "no-data warning", "no-data warning", "inactive"],
    ),
    (
        "no-data goes back to firing on bad data",
        replace(WARN, missing=Missing.MISSING),
        "400 - 400",
        ["firing warning", "no-data warning", "firing warning"],
    ),
    (
        "a gap under missing cancels pending and leaves inactive alone",
        replace(WARN, missing=Missing.MISSING, hold=2 * EVERY),
        "400 - 400 400 400",
        ["pending", "inactive", "pending", "pending", "firing warning"],
    ),
    (
        "while behind nothing resolves and the countdown keeps its start",
        replace(WARN, keep_firing_for=2 * EVERY),
        "400 100 100! 100! 100",
        ["firing warning"] * 4 + ["inactive"],
    ),
    ("while behind data may fire", WARN, "100 400!", ["inactive", "firing warning"]),
    (
        "while behind a level only rises",
        BOTH,
        "400 900! 400! 400",
        ["firing warning", "firing critical", "firing critical", "firing warning"],
    ),
    (
        "while behind no gap counts",
        replace(WARN, missing=Missing.ALERT),
        "100 -! -! -",
        ["inactive", "inactive", "inactive", "firing warning"],
    ),
    (
        "a silent series is forgotten after `forget`, and its alert ends",
        replace(WARN, forget=3 * EVERY),
        "400 - - -",
        [*["firing warning"] * 3, "gone"],
    ),
    (
        "an alert that fires too often in too short a time ends when it was calm for that time",
        replace(WARN, flapping=Flapping(3, 5 * EVERY)),
        "400 100 400 100 400 100 100 100 100 100 100",
        [*["firing warning", "inactive"] * 2, *["firing warning"] * 6, "inactive"],
    ),
    (
        "an alert that fires as often in a longer time is not flapping",
        replace(WARN, flapping=Flapping(3, 5 * EVERY)),
        "400 100 400 100 100 400 100",
        ["firing warning", "inactive"] * 2 + ["inactive", "firing warning", "inactive"],
    ),
    (
        "an alert that was flapping and is calm again is an alert like any other",
        replace(WARN, flapping=Flapping(2, 3 * EVERY)),
        "400 100 400 100 100 100 100 400 100",
        ["firing warning", "inactive", *["firing warning"] * 4, "inactive", "firing warning", "inactive"],
    ),
    (
        "forget counts neither failed queries nor gaps while behind",
        replace(WARN, forget=3 * EVERY),
        "400 - ? ? -! -! - -",
        [*["firing warning"] * 7, "gone"],
    ),
]


@pytest.mark.parametrize(("policy", "text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_case(policy: Policy, text: str, expected: list[str]):
    """The sentence that names the case holds."""
    assert states(policy, text) == expected


def test_changes_are_told_once():
    """Each transition is told when it happens and only then; a level change is one of its own."""
    policy = replace(BOTH, hold=EVERY)
    assert changes(policy, "400 100 400 400 900 900 400 100") == [
        "pending", "cancelled", "pending", "fired", "raised", "", "lowered", "resolved",
    ]  # fmt: skip


def test_data_that_comes_back_worse_is_told_twice():
    """No-data that ends with a worse value says that data is back, then that the level rose."""
    assert changes(replace(BOTH, missing=Missing.MISSING), "400 - 900") == ["fired", "data-lost", "data-back raised"]


def test_forgetting_gives_its_reason():
    """The last transition of a forgotten series says so."""
    alert, _ = state.step(WARN, FRESH, Datapoint(ZERO, 400), ZERO, behind=False)
    policy = replace(WARN, forget=EVERY)
    assert alert is not None
    gone, (transition,) = state.step(policy, alert, Datapoint(ZERO + EVERY, None), ZERO + EVERY, behind=False)
    assert gone is None
    assert (transition.change, transition.before) == (Change.RESOLVED, State.FIRING)
    assert transition.reason == "no data for 10s, the series is forgotten"


@pytest.mark.parametrize(
    ("policy", "text", "reasons"),
    [
        (replace(BOTH, hold=EVERY), "912.5 912.5 100", ["912.5 > 800", "912.5 > 800 since 10s", "100 < 250"]),
        (WARN, "301 100", ["301 > 300", "100, no longer > 300"]),
        (replace(WARN, missing=Missing.ALERT), "1 -", ["no data (missing: alert)"]),
        (replace(WARN, keep_firing_for=EVERY), "400 100 100", ["400 > 300", "100, no longer > 300 for 10s"]),
        (replace(WARN, datapoints=Datapoints(1, 2)), "400", ["400 > 300 in 1 of 2 datapoints"]),
        (
            replace(WARN, flapping=Flapping(2, EVERY * 3)),
            "400 100 400 100 100 100 100",
            [
                "400 > 300",
                "100, no longer > 300",
                "400 > 300; flapping: fired 2 in 30s",
                "100, no longer > 300 for 30s",
            ],
        ),
    ],
)
def test_reasons(policy: Policy, text: str, reasons: list[str]):
    """A reason names the value, the threshold and how long it took."""
    told = []
    alert: Alert | None = FRESH
    for number, word in enumerate(text.split()):
        assert alert is not None
        now = ZERO + EVERY * number
        value = None if word == "-" else float(word)
        alert, transitions = state.step(policy, alert, Datapoint(now, value), now, behind=False)
        told += [transition.reason for transition in transitions]
    assert told == reasons


def test_timers_of_an_episode():
    """`since` is the first bad datapoint, `fired_at` when `for` was served; both outlive the episode."""
    policy = replace(WARN, hold=EVERY)
    alert: Alert | None = FRESH
    for number, value in enumerate((400.0, 400.0, 400.0, 100.0)):
        assert alert is not None
        now = ZERO + EVERY * number
        alert, _ = state.step(policy, alert, Datapoint(now, value), now, behind=False)
    assert alert is not None
    assert (alert.since, alert.fired_at, alert.level) == (ZERO, ZERO + EVERY, Level.OK)


CLOUDWATCH = [
    # needed of window, datapoints oldest first, then missing, ignore, breaching, notBreaching as AWS publishes them
    (3, 3, "0-X-X", "0000"),
    (3, 3, "0----", "0000"),
    (3, 3, "-----", "IRA0"),
    (3, 3, "0XX-X", "AAAA"),
    (3, 3, "----X", "IRA0"),
    (3, 3, "X----", "ARA0"),
    (2, 3, "0-X-X", "AAAA"),
    (2, 3, "00X0X", "AAAA"),
    (2, 3, "0-X--", "00A0"),
    (2, 3, "----0", "00A0"),
    (2, 3, "----X", "IRA0"),
]
COLUMNS = (Missing.MISSING, Missing.KEEP, Missing.ALERT, Missing.OK)
CELLS = [
    pytest.param(needed, window, points, missing, verdict, id=f"{needed}of{window} {points} {missing}")
    for needed, window, points, verdicts in CLOUDWATCH
    for missing, verdict in zip(COLUMNS, verdicts, strict=True)
]
OUTCOMES = {"A": Outcome.ALARM, "0": Outcome.OK, "R": Outcome.RETAIN, "I": Outcome.INSUFFICIENT}


@pytest.mark.parametrize(("needed", "window", "points", "missing", "verdict"), CELLS)
def test_cloudwatch_cell(needed: int, window: int, points: str, missing: Missing, verdict: str):
    """Every cell of the two tables that AWS publishes."""
    marks = [{"X": True, "0": False, "-": None}[point] for point in points]
    assert look_back(marks, Datapoints(needed, window), missing) is OUTCOMES[verdict]
    assert cloudwatch(points, needed, window, missing) == verdict  # the slow reading agrees with AWS too


@pytest.mark.parametrize(("needed", "window", "points", "missing", "verdict"), CELLS)
@pytest.mark.parametrize("before", [State.INACTIVE, State.FIRING])
def test_cloudwatch_cell_through_the_table(
    needed: int, window: int, points: str, missing: Missing, verdict: str, before: State
):
    """An alert that steps onto a cell's last datapoint ends up as the cell says, whatever it was before."""
    policy = replace(WARN, datapoints=Datapoints(needed, window), missing=missing)
    values = [{"X": 400.0, "0": 100.0, "-": None}[point] for point in points]
    seen = tuple(Datapoint(ZERO + EVERY * number, value) for number, value in enumerate(values))
    level = Level.OK if before is State.INACTIVE else Level.WARNING
    alert = replace(FRESH, state=before, level=level, since=ZERO, fired_at=ZERO, value=1.0, recent=seen[:-1])
    after, _ = state.step(policy, alert, seen[-1], seen[-1].at, behind=False)
    assert after is not None
    lost = State.NO_DATA if before is State.FIRING else State.INACTIVE
    assert after.state is {"A": State.FIRING, "0": State.INACTIVE, "R": before, "I": lost}[verdict]


def test_nothing_before_the_first_datapoint_counts_as_missing():
    """Under `missing: alert` a new series is not filled up with bad datapoints from before it existed."""
    policy = replace(WARN, datapoints=Datapoints(3, 5), missing=Missing.ALERT)
    assert states(policy, "100 - - -") == ["inactive", "inactive", "inactive", "firing warning"]
    assert states(policy, "400 100 100") == ["inactive"] * 3


def test_a_firing_alert_counts_as_bad_all_that_has_not_recovered():
    """With `datapoints`, values between resolve and threshold keep an alert firing, at its lowest level."""
    policy = replace(BOTH, datapoints=Datapoints(2, 3))
    firing = ["firing critical"] * 2 + ["firing warning"] * 3
    assert states(policy, "900 900 270 270 270 100 100") == ["inactive", *firing, "inactive"]


def test_for_comes_after_datapoints():
    """`datapoints` decides whether it is bad; `for` runs from the moment it is."""
    policy = replace(WARN, datapoints=Datapoints(2, 3), hold=EVERY)
    assert states(policy, "400 400 100 100") == ["inactive", "pending", "firing warning", "inactive"]


VALUES = st.sampled_from([100.0, 270.0, 400.0, 900.0, None])
SEEN = st.builds(Seen, VALUES, behind=st.booleans(), failed=st.integers(0, 5).map(lambda luck: luck == 0))
TICKS = st.integers(0, 3).map(lambda count: EVERY * count)
POLICIES = st.builds(
    Policy,
    every=st.just(EVERY),
    warn=st.sampled_from([None, Threshold(">", 300)]),
    critical=st.just(Threshold(">", 800)),
    resolve=st.sampled_from([None, Threshold("<", 250)]),
    hold=TICKS,
    keep_firing_for=TICKS,
    flapping=st.sampled_from([None, None, Flapping(2, EVERY * 6), Flapping(3, EVERY * 12)]),
    datapoints=st.sampled_from([None, Datapoints(1, 1), Datapoints(2, 3), Datapoints(3, 3), Datapoints(2, 4)]),
    missing=st.sampled_from(Missing),
    forget=st.sampled_from([EVERY * 4, timedelta(hours=24)]),
)


@settings(max_examples=800, deadline=None)
@given(POLICIES, st.lists(SEEN, max_size=25))
def test_the_table_agrees_with_rereading_the_whole_history(policy: Policy, history: list[Seen]):
    """After every evaluation the alert stands where the semantics, applied to the whole history at once, put it."""
    alert: Alert | None = None
    for number, (seen, expected) in enumerate(zip(history, reread(policy, history), strict=True)):
        now = ZERO + EVERY * number
        if not seen.failed and (alert is not None or seen.value is not None):
            before = alert or FRESH
            alert, told = state.step(policy, before, Datapoint(now, seen.value), now, behind=seen.behind)
            check_told(before, alert, told, seen)
        if expected is None:
            assert alert is None
        else:
            assert alert is not None
            assert (alert.state, alert.level) == (expected.state, expected.level)


def check_told(before: Alert, after: Alert | None, told: tuple[Transition, ...], seen: Seen) -> None:
    """What must hold for the transitions of any step."""
    changed = after is None or (before.state, before.level) != (after.state, after.level)
    assert changed or not told
    if seen.behind:
        assert not {Change.RESOLVED, Change.DATA_LOST, Change.LOWERED} & {change.change for change in told}
    opened = before.state not in OPEN and after is not None and after.state in OPEN
    closed = before.state in OPEN and (after is None or after.state not in OPEN)
    assert opened == (Change.FIRED in {change.change for change in told})
    assert closed == (Change.RESOLVED in {change.change for change in told})
