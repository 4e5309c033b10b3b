"""Activation heat: the tokens of texts on cells that are the redder, the more a feature fires."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from ..errors import UsageError
from .figure import INK, MEMBERS, drawable, new_figure

TEXTS, TOKENS = 8, 160  # drawn at most, tokens in all texts together
_BEHIND = 10  # tokens behind the strongest one that a cut leaves
_WIDTH = 6.4 * 72  # of the figure, in points, as all lengths here
_MARGIN, _LINE, _CELL, _PAD, _SPACE, _GAP = 8.0, 15.0, 12.6, 1.2, 0.6, 7.0
_LONGEST = 75.0  # a token that is wider is cut
_FONT, _SMALL = 8.5, 8.0
_CUT = "\u2026"
_COLOURS = LinearSegmentedColormap.from_list("activation", ["#ffffff", MEMBERS])


class HeatText(NamedTuple):
    """Tokens of a text as they are shown, an activation for each, and the feature's maximum elsewhere, where known."""

    caption: str
    tokens: Sequence[str]
    activations: Sequence[float]
    maximum: float = 0.0

    @property
    def full(self) -> float:
        """The activation that is drawn in full colour: no lesser one is."""
        return max(self.maximum, *self.activations, 0.0)


class _Cell(NamedTuple):
    text: str
    activation: float
    width: float


def activation_heat(texts: Sequence[HeatText]) -> Figure:
    """Texts one below the other, their tokens as cells in lines, each under its caption and what its colours mean.

    Up to TEXTS of them and TOKENS tokens in all, shared out evenly; of longer ones the beginning or, where the
    strongest token comes later, the part up to a few tokens behind it. Raises UsageError without any text.
    """
    if not texts:
        raise UsageError("There is no text to draw: give at least one.")
    drawn = texts[:TEXTS]
    lines = [list(_lines(_cells(text, TOKENS // len(drawn)))) for text in drawn]
    left_out = len(texts) - len(drawn)
    height = (
        2 * _MARGIN + sum(_LINE * (1 + len(own)) for own in lines) + _GAP * (len(drawn) - 1) + _LINE * bool(left_out)
    )
    figure = new_figure(height / 72)
    figure.set_layout_engine("none")  # every place is given in points
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, _WIDTH), ylim=(height, 0))
    axes.set_axis_off()
    top = _MARGIN
    for text, own in zip(drawn, lines, strict=True):
        _caption(axes, text, top)
        for number, cells in enumerate(own, 1):
            _draw_line(axes, cells, top + number * _LINE, text.full)
        top += _LINE * (1 + len(own)) + _GAP
    if left_out:
        _write(axes, _MARGIN, top + _LINE / 2 - _GAP, f"{_CUT} and {left_out:,} more", size=_SMALL, color="grey")
    return figure


def _cells(text: HeatText, most: int) -> list[_Cell]:
    """The tokens that are drawn, with an ellipsis where some are left out."""
    tokens = [drawable(token) for token in text.tokens]
    values = [float(value) for value in text.activations]
    end = most
    if len(tokens) > most:
        end = max(most, min(len(tokens), values.index(max(values)) + 1 + _BEHIND))
    begin = end - most
    cells = [_cell(token, value) for token, value in zip(tokens[begin:end], values[begin:end], strict=True)]
    cut = _cell(_CUT, 0)
    return [*[cut] * (begin > 0), *cells, *[cut] * (end < len(tokens))]


def _cell(token: str, activation: float) -> _Cell:
    token = _fitting(token, _LONGEST, _FONT)
    return _Cell(token, activation, _length(token, _FONT) + 2 * _PAD + _SPACE)


def _lines(cells: list[_Cell]) -> Iterator[list[_Cell]]:
    line: list[_Cell] = []
    for cell in cells:
        if line and sum(one.width for one in line) + cell.width > _WIDTH - 2 * _MARGIN:
            yield line
            line = []
        line.append(cell)
    if line:
        yield line


def _draw_line(axes: Axes, cells: list[_Cell], top: float, full: float) -> None:
    left = _MARGIN
    for cell in cells:
        if cell.activation > 0:
            colour = _COLOURS(cell.activation / full)
            axes.add_patch(Rectangle((left, top), cell.width - _SPACE, _CELL, facecolor=colour, edgecolor="none"))
        _write(axes, left + _PAD, top + _CELL / 2, cell.text, size=_FONT, color="black")
        left += cell.width


def _caption(axes: Axes, text: HeatText, top: float) -> None:
    scale = f"white 0, full colour {text.full:.3g}" if text.full > 0 else "silent"
    room = _WIDTH - 2 * _MARGIN - _length(scale, _SMALL) - 2 * _GAP
    caption = _fitting(drawable(" ".join(text.caption.split())), room, _FONT, "bold")
    middle = top + _LINE / 2
    _write(axes, _MARGIN, middle, caption, size=_FONT, color=INK, weight="bold")
    _write(axes, _WIDTH - _MARGIN, middle, scale, size=_SMALL, color="grey", ha="right")


def _write(axes: Axes, x: float, y: float, text: str, **style: object) -> None:
    """Text whose letters stand on one line wherever it is; `y` is the middle of a capital letter."""
    axes.text(x, y + 0.36 * _FONT, text, va="baseline", parse_math=False, **style)  # type: ignore[arg-type]


def _fitting(text: str, room: float, size: float, weight: str = "normal") -> str:
    """The text, or so much of its beginning with an ellipsis as has room."""
    if _length(text, size, weight) <= room:
        return text
    while text and _length(text + _CUT, size, weight) > room:
        text = text[:-1]
    return text + _CUT


@functools.lru_cache(maxsize=4096)
def _length(text: str, size: float, weight: str = "normal") -> float:
    """Width of a text in points."""
    width, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(size=size, weight=weight), ismath=False
    )
    return width
