"""The README's files are files that load, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tocsin.conftest import Run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
FILES = dict(zip(("rules/mine.yml", "notify.yml", "tocsin.yml"), BLOCKS, strict=True))


def test_the_readme_s_files_work_together(run: Run, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever copies the three blocks, and sets the two variables, has a configuration without fault."""
    monkeypatch.setenv("PAGERDUTY_KEY", "0123456789abcdef0123456789abcdef")
    monkeypatch.setenv("SLACK_WEBHOOK", "https://hooks.slack.com/services/T000/B000/XXXX")
    for name, text in FILES.items():
        assert f"`{name}`" in README
        (state.parent / name).parent.mkdir(exist_ok=True)
        (state.parent / name).write_text(text)

    ran = run("check")

    assert (ran.code, ran.complaint) == (0, "")
    assert ran.out.startswith("fine: 1 rule, 1 receiver, ")


def test_a_variable_that_is_not_set_is_told(run: Run, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever copies the blocks and forgets the variables is told which."""
    monkeypatch.delenv("PAGERDUTY_KEY", raising=False)
    monkeypatch.delenv("SLACK_WEBHOOK", raising=False)
    (state.parent / "tocsin.yml").write_text("alerting: {notify: notify.yml}")
    (state.parent / "notify.yml").write_text(FILES["notify.yml"])

    ran = run("check")

    assert ran.code == 2
    assert "PAGERDUTY_KEY is not set" in ran.complaint
    assert "SLACK_WEBHOOK is not set" in ran.complaint


@pytest.mark.parametrize("page", sorted(path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")), ids=str)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """No page links to a file that is not there, and the README names every page of docs/."""
    for text, folder in ((README, ROOT), ((ROOT / page).read_text(), (ROOT / page).parent)):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (folder / target).exists(), target
    assert page.parent.name == "runbooks" or str(page) in README
