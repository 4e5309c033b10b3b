"""The page of a comparison: whole in one file, and nothing that labels say can act in it."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from compared import HOSTILE, label, scored_run

from tsea.evals.comparison.comparison import Comparison, compare
from tsea.server.compare_page import compare_page


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    rng = np.random.default_rng(0)
    values = rng.uniform(0.4, 0.9, 40)
    hypothesis = {"direction": "promotes", "spec": {"words": [HOSTILE]}, "claim": "specific", "q": 0.01}
    labels = [label(i, HOSTILE, confidence=i / 40, hypotheses=[hypothesis]) for i in range(40)]
    runs = [
        scored_run(name, (values + rng.normal(shift, 0.1, 40)).tolist(), range(30, 40), labels=labels)
        for name, shift in (("base", 0.0), ("better $x_1$", 0.2), ("<b>third</b>", 0.0))
    ]
    return compare(runs, dict.fromkeys(range(40), 1e-3))


def test_the_page_shows_every_table_and_a_picture_for_each_scorer(comparison: Comparison) -> None:
    page = Page(compare_page(comparison))
    text = " ".join(page.text.split())
    for words in (
        "<b>third</b> beside base",
        "p (Holm)",
        "By class",
        "By density",
        "Where they differ most",
        "1e-3 to",
    ):
        assert words in text
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == 2 and all((a["src"] or "").startswith("data:image/png;base64,") for a in pictures)


def test_nothing_in_labels_or_names_acts(comparison: Comparison) -> None:
    html = compare_page(comparison)
    page = Page(html)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "b", "a"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert HOSTILE.replace("\u202e", r"\u202e") in page.text and "49" not in page.text.split("{{")[1][:20]
    assert "\u202e" not in html and "default-src 'none'" in html


def test_runs_without_a_common_score_have_a_page_without_pictures(tmp_path: Path) -> None:
    page = Page(compare_page(compare([scored_run("a", {0: 0.5}), scored_run("b", {1: 0.5})])))
    assert "img" not in {tag for tag, _ in page.tags} and "labelled in a only" in page.text
