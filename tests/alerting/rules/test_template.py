"""Templates: sandboxed, tried at load, and never the reason why a page does not go out."""

from datetime import UTC, datetime

import pytest

from alerting.rules.template import MOST_CHARACTERS, Facts, Words

FACTS = Facts(
    labels={"endpoint": "/pay", "items": "3", "severity": "critical"},
    value=912.5,
    level="critical",
    threshold=800.0,
    since=datetime(2026, 1, 1, 12, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ labels.endpoint }}: p95 {{ value | ms }}", "/pay: p95 912 ms"),
        ("{{ value }} over {{ threshold }}", "912.5 over 800"),
        ("{{ level }} since {{ since }}", "critical since 2026-01-01 12:00:00 UTC"),
        ("[{{ labels.nowhere }}]", "[]"),
        ("{{ labels['endpoint'] }} {{ labels.items }} {{ labels.severity }}", "/pay 3 critical"),
        ("{% for name in labels %}{{ name }} {% endfor %}", "endpoint items severity "),
        ("{{ '%.1f' | format(value) }}", "912.5"),
        ("{% if value > 900 %}very {% endif %}slow", "very slow"),
        ("{{ '<b>' }}", "<b>"),
    ],
)
def test_renders(template: str, text: str):
    """Templates see labels, value, level, threshold and since; a label that an alert lacks is empty."""
    assert Words({"summary": template}).render(FACTS) == {"summary": text}


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ value | mss }}", "summary: No filter named 'mss'"),
        ("{{ value", "summary: unexpected end of template"),
        ("a\n{% fi %}", r"\(line 2\)"),
    ],
)
def test_what_does_not_compile(template: str, told: str):
    """A template that cannot be read is refused with the annotation and what is wrong."""
    with pytest.raises(ValueError, match=told):
        Words({"summary": template})


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ labels.endpont }}", "there is no label 'endpont'; alerts of this rule have endpoint, severity"),
        ("{{ vale }}", "'vale' is undefined"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ labels._pairs }}", "unsafe|no label"),
        ("{% for i in range(10**9) %}{% endfor %}", "'range' is undefined"),
    ],
)
def test_what_does_not_render(template: str, told: str):
    """A template is tried on sample data: names that do not exist and ways out of the sandbox are refused."""
    with pytest.raises(ValueError, match=told):
        Words({"summary": template}).check(["severity", "endpoint"], value=1.0)


def test_unknown_labels_pass_where_the_data_decides():
    """Under `GROUP BY *` any label may be there."""
    Words({"summary": "{{ labels.anything }}"}).check(None, value=1.0)


def test_a_page_goes_out_whatever_a_template_does():
    """What fails with real data says so in its place; other annotations are not touched."""
    words = Words({"summary": "{{ 1 / (value - 912.5) }}", "description": "fine"}).render(FACTS)
    assert words["description"] == "fine"
    assert words["summary"].startswith("(summary cannot be rendered: ")


def test_a_text_without_end_is_cut():
    """An annotation has a largest length."""
    (text,) = Words({"summary": "{{ 'x' * 100000 }}"}).render(FACTS).values()
    assert (len(text), text[-1]) == (MOST_CHARACTERS, "…")
