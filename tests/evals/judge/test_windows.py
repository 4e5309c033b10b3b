from __future__ import annotations

import numpy as np
from judging import FOX, VOCABULARY, context, contexts

from tsea.evals.judge.batches import shuffling
from tsea.evals.judge.windows import BEFORE, BEHIND, Window, chosen
from tsea.tools.activations.examples import AFTER
from tsea.tools.activations.examples import BEFORE as QUIET_BEFORE
from tsea.tools.activations.part import Context
from tsea.tools.vocabulary import Vocabulary


def test_the_window_of_a_position_holds_it_and_what_stands_around() -> None:
    item = context(FOX, 2.0, 5)
    window = Window.around(item)
    position = item.context.position
    assert window.tokens.tolist() == item.context.tokens[position - BEFORE : position + BEHIND + 1].tolist()
    assert window.place == BEFORE and window.activations[window.place] == 2.0
    assert window.text(VOCABULARY).count(" fox") == 1
    assert "\u00ab fox\u00bb" in window.text(VOCABULARY, marked=True)


def test_a_window_at_the_ends_of_a_row_is_cut_short() -> None:
    tokens = np.array([FOX, 9, 10, FOX])
    row = Context("a", 0, tokens, np.array([1, 0, 0, 1], np.float32), 0)
    assert Window.of(row, 0, 4, 0).text(VOCABULARY, marked=True) == "\u00ab fox\u00bb w5 w6 fox"
    assert Window.of(row, 0, 4, 3).text(VOCABULARY, marked=True) == " fox w5 w6\u00ab fox\u00bb"


def test_silent_windows_lie_within_the_context_that_is_free_of_firings() -> None:
    assert BEFORE <= QUIET_BEFORE and BEHIND <= AFTER


def test_marks_that_stand_in_the_text_itself_and_hidden_characters_cannot_be_taken_for_marks() -> None:
    texts = ("\u00ab", "a", "\u00bb", "\u202e", "\U000e0041")
    vocabulary = Vocabulary(texts, texts, frozenset())
    row = Context("a", 0, np.arange(5), np.zeros(5, np.float32), 1)
    assert Window.of(row, 0, 5, 1).text(vocabulary, marked=True) == "\u2039\u00aba\u00bb\u203a\\u202e\\U000e0041"


def test_as_many_silent_as_firing_contexts_are_drawn() -> None:
    drawn = chosen(contexts(10, 1, 5), 8, shuffling(0))
    assert len(drawn.firing) == len(drawn.silent) == 6
    assert len({item.context.row for item in drawn.firing}) == 6
    assert len(chosen(contexts(), 4, shuffling(0)).firing) == 4
