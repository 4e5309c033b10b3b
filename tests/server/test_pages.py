from __future__ import annotations

import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tsea.server.pages import (
    ReportContext,
    ReportFeature,
    ReportPicture,
    ReportReading,
    ReportRun,
    ReportSet,
    ReportToken,
    write_report,
)
from tsea.tools.errors import TseaError

RUN = ReportRun("demo", "pocket", {"claims": 2, "decoy rate": 0.01234, "library": "a & b"})
PNG = b"\x89PNG not really"
DIGITS = ReportFeature(
    feature=12,
    status="labelled",
    text="promotes digits",
    kind="prediction",
    claim="specific",
    confidence=0.9,
    q=0.00012345,
    refute="letters promoted as much",
    moments={"skewness": 2.0, "kurtosis": float("nan")},
    pictures=[ReportPicture("Logit weights of digits and of other tokens.", PNG)],
    sets=[ReportSet("regex.digits", 1234, "promoted", 0.75, members=["␣1", "2"])],
    reads=[ReportReading("year.any", "right behind", 0.25, 0.03, 0.0004, 0.01, None)],
    contexts=[ReportContext("It was <b>", "19", "\n84", 12.34, 3)],
    promoted=[ReportToken("␣1999", 0.5)],
    suppressed=[ReportToken("\\n", -0.25)],
)
NOTHING = ReportFeature(feature=3, status="no_claim", text="Zero sets hold", kind="partition", claim="none", q=1.0)
NAMES = ReportFeature(
    feature=7, status="labelled", text="names", kind="prediction", claim="present", confidence=0.7, q=0.02
)
FAILED = ReportFeature(feature=1, status="failed", text="constant weights", kind="unclassified", claim="none")


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"

    def links(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.tags if tag == "a"]

    def features(self) -> list[int]:
        """Features in the order of the table."""
        return [int(found[1]) for link in self.links() if (found := re.fullmatch(r"features/(\d+)\.html", link))]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(RUN, [NOTHING, DIGITS, FAILED, NAMES], tmp_path_factory.mktemp("report"))


def test_every_link_leads_to_a_page_of_the_report(index: Path) -> None:
    pages = sorted(index.parent.rglob("*.html"))
    assert len(pages) == 6 + 4
    for path in pages:
        for link in Page(path).links():
            assert (path.parent / link).resolve() in pages


def test_a_page_needs_nothing_from_elsewhere_and_runs_nothing(index: Path) -> None:
    for path in index.parent.rglob("*.html"):
        page = Page(path)
        assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"}
        assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
        assert all((a["src"] or "").startswith("data:image/png;base64,") for tag, a in page.tags if tag == "img")
        assert "url(" not in path.read_text(encoding="utf-8")
        assert "http:" not in path.read_text(encoding="utf-8") and "https:" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "order"),
    [
        ("index.html", [12, 7, 1, 3]),
        ("by-feature.html", [1, 3, 7, 12]),
        ("by-label.html", [1, 7, 12, 3]),
        ("by-class.html", [3, 7, 12, 1]),
        ("by-claim.html", [12, 7, 1, 3]),
        ("by-q.html", [12, 7, 3, 1]),
    ],
)
def test_the_table_can_be_had_in_the_order_of_each_column(index: Path, file: str, order: list[int]) -> None:
    assert Page(index.parent / file).features() == order


def test_the_index_shows_summary_and_rows(index: Path) -> None:
    text = " ".join(Page(index).text.split())
    for words in ("Features of pocket", "claims 2", "decoy rate 0.0123", "library a & b", "4 features, by confidence"):
        assert words in text
    assert "12 promotes digits prediction specific 0.000123 0.9" in text
    assert "1 constant weights unclassified failed – –" in text


def test_a_features_page_shows_all_that_is_known(index: Path) -> None:
    page = Page(index.parent / "features" / "12.html")
    text = " ".join(page.text.split())
    for words in (
        "Feature 12: promotes digits",
        "What would refute it: letters promoted as much",
        "skewness 2",
        "kurtosis –",
        "regex.digits 1,234 promoted 0.75 – – – – too few tokens ␣1 2",
        "Promoted tokens ␣1999 +0.500",
        "Suppressed tokens \\n -0.250",
    ):
        assert words in text
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert [picture["alt"] for picture in pictures] == ["Logit weights of digits and of other tokens."]


def test_parts_without_content_are_left_out(index: Path) -> None:
    text = Page(index.parent / "features" / "1.html").text
    assert "Token sets" not in text
    assert "Promoted" not in text
    assert "refute" not in text


def test_markup_in_labels_and_tokens_stays_text(tmp_path: Path) -> None:
    evil = "</td><script>alert('x')</script>\"><img src=x onerror=y>"
    feature = ReportFeature(
        feature=0, status="labelled", text=evil, kind=evil, claim="present", refute=evil,
        pictures=[ReportPicture(evil, PNG)], sets=[ReportSet(evil, 1, evil, 0.5, members=[evil])],
        promoted=[ReportToken(evil, 1.0)],
    )  # fmt: skip
    index = write_report(ReportRun(evil, evil, {evil: evil}), [feature], tmp_path)
    for path in (index, tmp_path / "features" / "0.html"):
        page = Page(path)
        assert evil in page.text
        assert "script" not in {tag for tag, _ in page.tags}
        assert all("onerror" not in attributes for _, attributes in page.tags)


def test_a_report_broken_off_has_no_index(tmp_path: Path) -> None:
    def broken() -> Iterator[ReportFeature]:
        yield DIGITS
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_report(RUN, broken(), tmp_path)
    assert os.listdir(tmp_path) == ["features"]


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TseaError, match="Cannot write .*file"):
        write_report(RUN, [DIGITS], tmp_path / "file")


def test_a_page_shows_what_a_feature_fires_on_and_its_contexts_as_text(tmp_path: Path) -> None:
    write_report(RUN, [DIGITS, NAMES], tmp_path)
    page = Page(tmp_path / "features" / "12.html")
    text = " ".join(page.text.split())
    assert "year.any right behind 0.25 0.03 0.0004 0.01 too few firings" in text
    assert "12.3 3 It was <b> 19 84" in text and "b" not in {tag for tag, _ in page.tags}
    assert ("mark", {}) in page.tags
    assert "fires on" not in Page(tmp_path / "features" / "7.html").text
