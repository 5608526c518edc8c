"""Reads a page as a mail program does: its words, its links, and everything that it would do."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_BREAKS = frozenset({"br", "p", "div"})


@dataclass
class Page:
    """`links` are hrefs, `tags` all elements, `attributes` the names of all attributes."""

    text: str = ""
    links: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._lines: list[str] = [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.tags.add(tag)
        self.page.attributes |= {name for name, _ in attrs}
        self.page.links += [value or "" for name, value in attrs if name == "href"]
        if tag in _BREAKS:
            self._lines.append("")

    def handle_data(self, data: str) -> None:
        self._lines[-1] += data

    def read(self, page: str) -> Page:
        self.feed(page)
        self.close()
        self.page.text = "\n".join(" ".join(line.split()) for line in self._lines)
        return self.page


def look(page: str) -> Page:
    """What stands on the page."""
    return _Reader().read(page)
