"""The static report of a run: an index and one page per feature, without scripts or anything from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import jinja2

from ..tools.files import atomic_write


@dataclass(frozen=True)
class ReportToken:
    """A token as shown to people (spaces visible) and its logit weight."""

    text: str
    weight: float


@dataclass(frozen=True)
class ReportSet:
    """One tested set on open tokens: mass, how many members carry it, p-values, most extreme members.

    `holds` says whether confirm tokens agree (None: too few of them).
    """

    name: str
    size: int
    side: str
    mass: float | None
    effective_members: float | None = None
    p_present: float | None = None
    p_specific: float | None = None
    q: float | None = None
    holds: bool | None = None
    members: Sequence[str] = ()


@dataclass(frozen=True)
class ReportReading:
    """One set that a feature fires on, right behind or before (`place`): share of firings and of all tokens, p, q."""

    name: str
    place: str
    share: float | None
    base: float | None
    p: float | None
    q: float | None
    holds: bool | None


@dataclass(frozen=True)
class ReportContext:
    """A text that a feature fires in: what stands before the token, the token, what follows; firings like it."""

    before: str
    token: str
    behind: str
    activation: float
    count: int


@dataclass(frozen=True)
class ReportPicture:
    """A PNG, and the sentence that says what it shows."""

    caption: str
    png: bytes

    @property
    def url(self) -> str:
        """The picture inside the page."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True)
class ReportFeature:
    """What the report says about one feature; `moments` by name, tokens most extreme first."""

    feature: int
    status: str
    text: str
    kind: str
    claim: str
    confidence: float | None = None
    q: float | None = None
    refute: str = ""
    moments: Mapping[str, float | None] = field(default_factory=dict)
    pictures: Sequence[ReportPicture] = ()
    sets: Sequence[ReportSet] = ()
    reads: Sequence[ReportReading] = ()
    contexts: Sequence[ReportContext] = ()
    promoted: Sequence[ReportToken] = ()
    suppressed: Sequence[ReportToken] = ()


@dataclass(frozen=True)
class ReportRun:
    """The run's name, its subject, and its summary: lines of what and how much."""

    name: str
    subject: str
    summary: Mapping[str, object]


_CLAIMS = ("specific", "present", "none")

# The columns of the index: heading, file in which the table is sorted by it, order (features last break ties).
_ORDERS: Sequence[tuple[str, str, Callable[[ReportFeature], tuple[object, ...]]]] = (
    ("feature", "by-feature.html", lambda f: (f.feature,)),
    ("label", "by-label.html", lambda f: (f.text.casefold(), f.feature)),
    ("class", "by-class.html", lambda f: (f.kind, f.feature)),
    ("claim", "by-claim.html", lambda f: (_CLAIMS.index(f.claim), f.feature)),
    ("q", "by-q.html", lambda f: (f.q is None, f.q, f.feature)),
    ("confidence", "index.html", lambda f: (f.confidence is None, -(f.confidence or 0), f.feature)),
)


def write_report(run: ReportRun, features: Iterable[ReportFeature], folder: Path) -> Path:
    """Write the report into `folder` and return its index.

    Features are taken one at a time, so that a generator need not hold all pictures at once. Each file is written
    whole, and the indexes last: they never lead to a page that is not there. Raises TseaError when a file cannot be
    written.
    """
    environment = templates()
    rows: list[ReportFeature] = []
    for feature in features:
        page = environment.get_template("feature.html").render(run=run, feature=feature)
        atomic_write(folder / _page(feature), page.encode())
        rows.append(replace(feature, pictures=(), sets=(), reads=(), contexts=(), promoted=(), suppressed=()))
    columns = [(heading, file) for heading, file, _ in _ORDERS]
    for heading, file, order in _ORDERS:
        page = environment.get_template("index.html").render(
            run=run, features=sorted(rows, key=order), columns=columns, sorted_by=heading
        )
        atomic_write(folder / file, page.encode())
    return folder / "index.html"


def templates() -> jinja2.Environment:
    """The templates of pages; whatever they are given is text, never markup."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=_number, signed=_signed, page=_page)
    return environment


def _page(feature: ReportFeature) -> str:
    return f"features/{feature.feature}.html"


def _number(value: object) -> str:
    """Three digits for measurements, all digits for counts, a dash for what is not there."""
    if value is None or value != value:  # NaN
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _signed(value: float) -> str:
    return f"{value:+.3f}"
