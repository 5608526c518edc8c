"""Every query of every board is InfluxQL that works on 1.x, 2.x, 3.x and the embedded store, over names that exist."""

import re
from pathlib import Path

import pytest

from grafana.model import MEASUREMENTS
from tests.grafana.reading import Asked, queries

FUNCTIONS = {
    "count",
    "distinct",
    "mean",
    "median",
    "sum",
    "min",
    "max",
    "first",
    "last",
    "percentile",
    "top",
    "bottom",
    "derivative",
    "non_negative_derivative",
    "difference",
    "moving_average",
    "cumulative_sum",
    "elapsed",
    "time",
    "fill",
}
ASKED = queries()
each = pytest.mark.parametrize("asked", ASKED, ids=[one.name for one in ASKED])


def outside_strings(text: str) -> str:
    """The query without its strings and regular expressions."""
    return re.sub(r"'[^']*'|=~ /[^/]*/", "", text)


@each
def test_only_known_functions_are_called(asked: Asked):
    """No function that 3.x or the embedded store lacks."""
    called = {name.lower() for name in re.findall(r"\b(\w+)\(", outside_strings(asked.text))}
    assert called <= FUNCTIONS


@each
def test_names_stand_in_the_model(asked: Asked):
    """A misspelled measurement, tag or field gives no error in InfluxQL, so it must not get that far."""
    (name,) = re.findall(r'FROM "(\w+)"', asked.text)
    measurement = MEASUREMENTS[name]
    own = set(re.findall(r'AS "(\w+)"', asked.text))
    names = set(re.findall(r'"(\w+)"', asked.text.replace(f'FROM "{name}"', ""))) - own
    assert names
    assert names <= measurement.tags | measurement.fields
    aggregated = set(re.findall(r'\w\("(\w+)"', asked.text))
    assert aggregated <= measurement.fields | own
    for groups in re.findall(r" GROUP BY ([^()]*(?:\(.*?\)[^()]*)?)", asked.text):
        assert set(re.findall(r'"(\w+)"', groups)) <= measurement.tags


@each
def test_time_is_bounded_by_the_board(asked: Asked):
    """Every SELECT that reads points carries $timeFilter; no query has time bounds of its own."""
    bounded = re.findall(r'FROM "\w+" WHERE \$timeFilter', asked.text)
    if asked.text.startswith("SELECT"):
        assert len(bounded) == asked.text.count('FROM "')
    assert not re.search(r"\btime [<>=]|now\(\)", asked.text)


@each
def test_windows_are_written_with_braces_and_filled(asked: Asked):
    """`${__interval}` never bare, because some versions escape it; a window says what fills an empty one."""
    assert not re.search(r"\$__|\$interval", asked.text)
    assert ("GROUP BY time(" in asked.text) == (" fill(" in asked.text)


COUNTED = re.compile(
    r"(?:(?:cumulative_sum|moving_average)\()?(?:count|sum)\([^)]*\)+(?:, \d+\))?"
    r"( \* \d+ / (\$\{__interval_ms\}|60000))?"
)
WINDOWED = re.compile(r'SELECT ((?:(?!SELECT).)+?) FROM (?:"\w+"|\().*? GROUP BY time\([^)]*\)[^()]*? fill\((\w+)\)')


@each
def test_counts_fall_to_zero_and_measured_values_leave_a_gap(asked: Asked):
    """No request is a rate of zero; no request has no response time. Only windows that are counted again stay out."""
    for columns, fill in WINDOWED.findall(asked.text):
        calls = [re.sub(r' AS "\w+"$', "", one) for one in re.split(r", (?=\w+\(\")", columns)]
        counted = all(COUNTED.fullmatch(call) for call in calls)
        if fill == "none":
            assert "FROM (" in asked.text
        else:
            assert fill == ("0" if counted else "null")


@each
def test_variables_match_by_regular_expression(asked: Asked):
    """A variable of several values stands inside an anchored regular expression and says :regex."""
    for variable in re.findall(r"\$\{(?!__)[^}]*\}", asked.text):
        assert f"=~ /^{variable}$/" in asked.text
        assert variable.endswith(":regex}")


def test_everything_that_is_measured_is_shown():
    """Every measurement that ships is on some board."""
    shown = {name for asked in ASKED for name in re.findall(r'FROM "(\w+)"', asked.text)}
    assert shown == set(MEASUREMENTS)


def test_our_own_measurements_are_metrics_that_exist():
    """What the boards read of our own health is exposed under that name (docs/metrics.md is made from the code)."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `(tocsin_\w+)` \| (\w+) \|", page, re.MULTILINE))
    written = {name for name, kind in documented.items() if kind != "histogram"}
    written |= {
        f"{name}_{part}" for name, kind in documented.items() if kind == "histogram" for part in ("sum", "count")
    }
    ours = {name for name in MEASUREMENTS if name.startswith("tocsin_")}
    assert ours
    assert ours <= written
