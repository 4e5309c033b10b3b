"""What all figures share: colours, text that is drawn as it is written, and files."""

from __future__ import annotations

import functools
import io
import textwrap
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from PIL import Image

from ..errors import UsageError
from ..files import atomic_write

# Okabe and Ito's palette: told apart also by colour-blind readers and in grey.
MEMBERS, OTHERS, INK = "#d55e00", "#0072b2", "#333333"

_PALETTE = 128  # colours of a PNG: smooth edges need no more, and files are a third as large
# What would make two files of one figure differ.
_NO_DATE = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def new_figure(height: float = 3.6) -> Figure:
    """An empty figure, 6.4 inches wide; `height` in inches."""
    return Figure(figsize=(6.4, height), dpi=120, layout="constrained")


def write_title(axes: Axes, title: str) -> None:
    """The title, wrapped, with `$` and `_` as they stand."""
    axes.set_title(textwrap.fill(drawable(title), 78), loc="left", fontsize=10, parse_math=False)


def write_legend(axes: Axes) -> None:
    """A legend where it hides least."""
    for text in axes.legend(fontsize=8, framealpha=0.9).get_texts():
        text.set_parse_math(False)


def drawable(text: str) -> str:
    """The text with characters that the font lacks (scripts of tokens) escaped."""
    return "".join(c if c.isspace() or _in_font(c) else c.encode("unicode_escape").decode() for c in text)


@functools.cache
def _in_font(character: str) -> bool:
    return get_font(findfont(FontProperties())).get_char_index(ord(character)) != 0


def render(figure: Figure, form: str = "png") -> bytes:
    """The figure as a file's bytes: `png`, `svg` or `pdf`; the same bytes for the same figure."""
    if form not in _NO_DATE:
        raise UsageError(f"Figures are written as {', '.join(_NO_DATE)}, not {form or 'files without an ending'}.")
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "tsea"}):
        figure.savefig(buffer, format=form, metadata=_NO_DATE[form])
    return _with_palette(buffer) if form == "png" else buffer.getvalue()


def _with_palette(png: io.BytesIO) -> bytes:
    buffer = io.BytesIO()
    with Image.open(png) as image:
        image.convert("RGB").quantize(_PALETTE).save(buffer, "png", optimize=True, dpi=image.info["dpi"])
    return buffer.getvalue()


def save(figure: Figure, path: Path) -> None:
    """Write the figure to `path` in the format of its ending; raises UsageError for another ending."""
    atomic_write(path, render(figure, path.suffix.removeprefix(".").lower()))
