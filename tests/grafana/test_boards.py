"""Every board that is committed keeps the manners that make it work in Grafana and readable for people."""

import re
from itertools import combinations
from typing import Any

import pytest
from grafana_foundation_sdk.models import units

from grafana.boards.catalog import BOARDS as CATALOG
from tests.grafana.reading import BOARDS, panels, queries

UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
DRAWN = {"timeseries", "stat", "bargauge", "table", "heatmap", "state-timeline", "row", "text"}
BUILT_IN = {"__interval", "__interval_ms", "__url_time_range", "__all_variables", "__data", "__field"}
TEXTS = {"summary"}


def drawn(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in panels(board) if panel["type"] not in {"row", "text"}]


@pytest.fixture(params=sorted(BOARDS), name="board")
def each_board(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each committed board in turn."""
    return BOARDS[request.param]


def test_there_is_a_file_for_every_board_of_the_catalogue():
    """A board of the catalogue stands under its uid, with a title of its own."""
    assert set(BOARDS) == set(CATALOG)
    assert [board["uid"] for board in BOARDS.values()] == list(BOARDS)
    assert len({board["title"] for board in BOARDS.values()}) == len(BOARDS)


def test_boards_are_in_the_classic_schema(board: dict[str, Any]):
    """Provisioning by file takes the classic schema only, and neither ids of a database nor versions."""
    assert board["schemaVersion"] == 42
    assert not board.keys() & {"elements", "layout", "spec", "apiVersion", "kind", "id", "version"}
    assert re.fullmatch(r"tocsin-[a-z-]{1,33}", board["uid"])


def test_boards_have_what_every_board_has(board: dict[str, Any]):
    """Read-only, tagged, refreshed, with links to the others that keep time and variables, and both kinds of marks."""
    assert board["editable"] is False
    assert board["tags"] == ["tocsin"]
    assert board["graphTooltip"] == 1
    assert board["refresh"] in board["timepicker"]["refresh_intervals"]
    assert board["description"].strip()
    (link,) = board["links"]
    assert (link["type"], link["tags"], link["includeVars"], link["keepTime"]) == ("dashboards", ["tocsin"], True, True)
    assert [mark["name"] for mark in board["annotations"]["list"]] == ["Alerts", "Deploys"]


def test_panel_ids_are_unique(board: dict[str, Any]):
    """A link to one panel finds one panel."""
    ids = [panel["id"] for panel in panels(board)]
    assert len(ids) == len(set(ids))
    assert min(ids) >= 1


def test_panels_fit_the_grid_and_do_not_overlap(board: dict[str, Any]):
    """Every panel lies inside the 24 columns, and no two share a cell."""
    places = [panel["gridPos"] for panel in board["panels"]]
    assert all(place["w"] >= 1 and place["h"] >= 1 and place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


def test_every_panel_explains_itself(board: dict[str, Any]):
    """Title, description, a known unit, a word for emptiness and at least one query; a title stands once in a board."""
    titles = [panel["title"] for panel in panels(board)]
    assert len(titles) == len(set(titles))
    for panel in drawn(board):
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["type"] in DRAWN
        assert len(panel["description"]) > 20, panel["title"]
        assert defaults["unit"] in UNITS or defaults["unit"].startswith("suffix:"), panel["title"]
        assert defaults["noValue"].strip(), panel["title"]
        assert panel["targets"], panel["title"]
        for rule in panel["fieldConfig"]["overrides"]:
            assert all(part["value"] in UNITS for part in rule["properties"] if part["id"] == "unit")


def test_numbers_of_tables_have_units(board: dict[str, Any]):
    """Every column that a table's query computes says in which unit it is."""
    for panel in drawn(board):
        if panel["type"] != "table":
            continue
        computed = set(re.findall(r'AS "(\w+)"', panel["targets"][0]["query"]))
        with_unit = {
            rule["matcher"]["options"]
            for rule in panel["fieldConfig"]["overrides"]
            if any(part["id"] == "unit" for part in rule["properties"])
        }
        assert computed - TEXTS <= with_unit, panel["title"]


def test_amounts_and_times_start_at_zero(board: dict[str, Any]):
    """A response time, a rate or a share over time is drawn from zero, so that a small change looks small."""
    for panel in drawn(board):
        defaults = panel["fieldConfig"]["defaults"]
        if panel["type"] == "timeseries" and defaults["unit"] in {
            "ms",
            "s",
            "reqps",
            "percent",
            "cpm",
            "suffix: lines/s",
            "Bps",
        }:
            assert defaults["min"] == 0, panel["title"]


def test_limits_rise(board: dict[str, Any]):
    """Threshold steps begin without a value and rise; colours come from them alone."""
    for panel in drawn(board):
        steps = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert steps[0] is None
        assert steps[1:] == sorted(steps[1:])


def test_nothing_names_a_data_source_but_the_variable(board: dict[str, Any]):
    """The first variable picks the data source, and every query goes through it."""
    first = board["templating"]["list"][0]
    assert (first["type"], first["name"], first["query"]) == ("datasource", "datasource", "influxdb")
    asking = [*drawn(board), *(target for panel in drawn(board) for target in panel["targets"])]
    asking += [one for one in board["templating"]["list"] if one["type"] == "query"]
    asking += board["annotations"]["list"]
    assert all(one["datasource"] == {"type": "influxdb", "uid": "${datasource}"} for one in asking)


def test_variables_follow_the_time_range_and_offer_all(board: dict[str, Any]):
    """Query variables are asked again when the range changes; All, where it is, matches what has no value yet."""
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            assert variable["refresh"] == 2
            assert variable["multi"] is variable["includeAll"]
            assert not variable["multi"] or variable["allValue"] == ".*"
            assert variable["label"]


def test_what_is_repeated_is_repeated_for_a_variable_of_several_values(board: dict[str, Any]):
    """A row or panel that repeats names a variable of its board, and the title says which value it is for."""
    several = {one["name"] for one in board["templating"]["list"] if one.get("multi")}
    for panel in panels(board):
        if "repeat" in panel:
            assert panel["repeat"] in several
            assert f"${panel['repeat']}" in panel["title"]


def test_a_board_says_for_whom_it_is_and_begins_with_the_answer(board: dict[str, Any]):
    """The description names its readers; numbers, states or a table stand above what has to be scrolled to."""
    assert re.search(r" For [^.]+\.$", board["description"])
    first = [panel for panel in board["panels"] if panel["gridPos"]["y"] < 6]
    assert {panel["type"] for panel in first} & {"stat", "state-timeline", "table"}


def test_an_empty_panel_says_what_to_do_or_that_all_is_well(board: dict[str, Any]):
    """No panel says just that there is no data."""
    said = {panel["fieldConfig"]["defaults"]["noValue"].casefold() for panel in drawn(board)}
    assert not said & {"no data", "n/a", "none", "-"}


def test_a_panel_asks_each_query_under_its_own_name(board: dict[str, Any]):
    """Grafana tells the queries of a panel apart by their letter."""
    for panel in drawn(board):
        letters = [target["refId"] for target in panel["targets"]]
        assert len(letters) == len(set(letters)), panel["title"]


def test_every_variable_that_is_used_is_defined(board: dict[str, Any]):
    """A query or link of a board mentions only variables of that board and Grafana's own."""
    defined = {variable["name"] for variable in board["templating"]["list"]} | BUILT_IN
    asked = [one.text for one in queries() if one.board == board["uid"]]
    links = [link["url"] for link in cell_links(board)]
    used = {name for text in [*asked, *links] for name in re.findall(r"\$\{(\w+)", text)}
    assert used <= defined


def cell_links(board: dict[str, Any]) -> list[dict[str, Any]]:
    rules = [rule for panel in drawn(board) for rule in panel["fieldConfig"]["overrides"]]
    properties = [part for rule in rules for part in rule["properties"] if part["id"] == "links"]
    own = [link for panel in drawn(board) for link in panel["fieldConfig"]["defaults"]["links"]]
    return [*own, *(link for part in properties for link in part["value"])]


def test_links_lead_to_boards_and_variables_that_exist(board: dict[str, Any]):
    """A link names a board that ships, fills only variables of it, and keeps the time range."""
    for link in cell_links(board):
        uid = re.match(r"/d/([\w-]+)\?", link["url"])
        assert uid is not None
        known = {variable["name"] for variable in BOARDS[uid[1]]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", link["url"])) <= known
        assert link["url"].endswith("&${__url_time_range}")


def test_annotations_say_everything_inside_their_target(board: dict[str, Any]):
    """Grafana reads an InfluxQL annotation's query and columns from `target` only."""
    for mark in board["annotations"]["list"]:
        target = mark["target"]
        assert target["fromAnnotations"] is True
        columns = re.findall(r'"(\w+)"', target["query"].split(" FROM ")[0])
        named = [target["titleColumn"], target["textColumn"], *target["tagsColumn"].split(",")]
        assert set(named) <= set(columns)
