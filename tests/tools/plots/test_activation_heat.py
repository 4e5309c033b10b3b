"""The heat picture: every token stands on its colour, in lines, as it is written, in a small file."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from tsea.tools.errors import UsageError
from tsea.tools.plots import HeatText, activation_heat, render
from tsea.tools.plots.activation_heat import TEXTS, TOKENS
from tsea.tools.plots.figure import MEMBERS

RED = HeatText("feature 24", ["My", "\u2423color", "\u2423is", "\u2423red", "."], [0, 0, 5, 10, 0], 20)


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def tokens(figure: Figure) -> list[Text]:
    """Texts that are drawn as tokens: in black."""
    return [text for text in figure.axes[0].texts if text.get_color() == "black"]


def cells(figure: Figure) -> list[Rectangle]:
    return [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]


def place_of(figure: Figure, text: Text) -> Bbox:
    """Where a text is drawn, in pixels."""
    return text.get_window_extent(FigureCanvasAgg(figure).get_renderer())


def colour(cell: Rectangle) -> tuple[float, ...]:
    return to_rgb(cell.get_facecolor())


def test_a_firing_token_stands_on_a_cell_between_white_and_the_colour_of_the_maximum() -> None:
    figure = activation_heat([RED])
    assert [token.get_text() for token in tokens(figure)] == list(RED.tokens)
    found = cells(figure)
    full = np.array(to_rgb(MEMBERS))
    for cell, share in zip(found, (0.25, 0.5), strict=True):
        np.testing.assert_allclose(colour(cell), 1 - share * (1 - full), atol=0.005)
    for cell, token in zip(found, tokens(figure)[2:4], strict=True):
        box = place_of(figure, token)
        place = cell.get_window_extent()
        assert place.x0 <= box.x0 and box.x1 <= place.x1 + 1 and place.y0 <= box.y0 and box.y1 <= place.y1


def test_the_strongest_token_has_the_full_colour_where_it_is_above_the_maximum_known() -> None:
    for known in (0, 3, 10):
        figure = activation_heat([RED._replace(maximum=known)])
        np.testing.assert_allclose(colour(cells(figure)[-1]), to_rgb(MEMBERS), atol=1e-6)
        assert "white 0, full colour 10" in words(figure)


def test_texts_stand_under_their_captions_each_with_its_own_scale() -> None:
    figure = activation_heat([RED, RED._replace(caption="feature 7", activations=[0] * 5, maximum=0)])
    captions = [word for word in words(figure) if word.startswith(("feature", "white", "silent"))]
    assert captions == ["feature 24", "white 0, full colour 20", "feature 7", "silent"]
    heights = [text.get_position()[1] for text in figure.axes[0].texts]
    assert heights == sorted(heights) and len(cells(figure)) == 2


def test_negative_activations_are_white() -> None:
    assert len(cells(activation_heat([RED._replace(activations=[-1, -0.1, 1, 2, -3])]))) == 2


def test_long_texts_are_wrapped_within_the_picture() -> None:
    figure = activation_heat([HeatText("feature 1", ["\u2423word", "\u2423or", "\u2423so"] * 40, [1.0] * 120)])
    right = figure.bbox.width
    lines: dict[float, list[float]] = {}
    for token in tokens(figure):
        box = place_of(figure, token)
        assert box.x0 > 0 and box.x1 < right
        lines.setdefault(token.get_position()[1], []).append(box.x0)
    assert len(lines) > 3 and all(places == sorted(places) for places in lines.values())
    assert len({places[0] for places in lines.values()}) == 1


def test_of_a_text_that_is_too_long_the_part_with_its_strongest_token_is_drawn() -> None:
    names = [str(number) for number in range(1000)]
    early, late, last = (np.eye(1000)[at].tolist() for at in (5, 700, 999))
    shown = [[t.get_text() for t in tokens(activation_heat([HeatText("", names, a)]))] for a in (early, late, last)]
    assert shown[0] == [*names[:TOKENS], "\u2026"]
    assert shown[1] == ["\u2026", *names[711 - TOKENS : 711], "\u2026"]
    assert shown[2] == ["\u2026", *names[1000 - TOKENS :]]


def test_more_texts_than_fit_are_counted_and_share_the_tokens_evenly() -> None:
    figure = activation_heat([HeatText(f"text {n}", ["a"] * 100, [0.0] * 100) for n in range(TEXTS + 5)])
    assert words(figure)[-1] == "\u2026 and 5 more"
    assert sum(token.get_text() == "a" for token in tokens(figure)) == TOKENS // TEXTS * TEXTS


def test_tokens_and_captions_are_drawn_as_they_are_written_and_cut_where_too_long() -> None:
    odd = HeatText("$x_1$ of\na \u65e5 caption " + "and more " * 30, ["$a$", "_b^", "\u65e5", "=" * 200], [1, 2, 3, 4])
    figure = activation_heat([odd])
    render(figure)  # a missing sign or a formula would warn, and warnings are errors here
    assert [t.get_text() for t in tokens(figure)][:3] == ["$a$", "_b^", "\\u65e5"]
    cut = tokens(figure)[3].get_text()
    assert cut.startswith("====") and cut.endswith("\u2026") and len(cut) < 40
    caption, scale = figure.axes[0].texts[:2]
    assert caption.get_text().startswith("$x_1$ of a \\u65e5 caption and") and caption.get_text().endswith("\u2026")
    assert place_of(figure, caption).x1 < place_of(figure, scale).x0
    assert not any(text.get_parse_math() for text in figure.axes[0].texts)


def test_the_file_is_small_and_always_the_same() -> None:
    rng = np.random.default_rng(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    texts = []
    for number in range(TEXTS):
        names = ["\u2423" + "".join(rng.choice(list(letters), rng.integers(1, 9))) for _ in range(100)]
        activations = np.maximum(rng.normal(size=100), 0).tolist()
        texts.append(HeatText(f"feature {number}, the strongest context", names, activations))
    png = render(activation_heat(texts))
    assert png == render(activation_heat(texts)) and len(png) < 60_000
    pixels = np.asarray(image.imread(io.BytesIO(png)))[..., :3]
    assert pixels.shape[1] == 768
    near = np.abs(pixels - np.array(to_rgb(MEMBERS))).max(axis=2) < 0.03
    assert np.count_nonzero(near) > 300
    dark = pixels.max(axis=2) < 0.25
    assert np.count_nonzero(dark) > 3000


def test_no_text_is_refused_and_a_text_without_tokens_is_a_caption() -> None:
    with pytest.raises(UsageError, match="no text to draw"):
        activation_heat([])
    assert words(activation_heat([HeatText("nothing", [], [])])) == ["nothing", "silent"]
