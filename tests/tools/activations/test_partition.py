from __future__ import annotations

import random

import numpy as np

from tsea.tools.activations.partition import CONFIRM, HELD_OUT, OPEN, Partition

RNG = random.Random(0)
WORDS = ["".join(RNG.choices("abcdefghijklmnop", k=RNG.randint(2, 8))) for _ in range(3000)]


def document(rng: random.Random, words: int) -> list[str]:
    return rng.choices(WORDS, k=words)


def test_half_is_held_out_and_a_quarter_of_explore_is_for_confirmation() -> None:
    partition, rng = Partition(), random.Random(1)
    sides = [partition.side(" ".join(document(rng, 40))) for _ in range(4000)]
    shares = np.bincount(sides) / len(sides)
    np.testing.assert_allclose(shares[[OPEN, CONFIRM, HELD_OUT]], [3 / 8, 1 / 8, 1 / 2], atol=0.03)


def test_near_duplicates_stay_together() -> None:
    rng = random.Random(2)
    changes = {
        "case": lambda words: " ".join(words).upper(),
        "spacing": lambda words: "\n\t ".join(words),
        "punctuation": lambda words: ", ".join(words) + "!",
        "a word": lambda words: " ".join([*words[: len(words) // 2], "other", *words[len(words) // 2 + 1 :]]),
        "a word more": lambda words: " ".join([*words, "more"]),
    }
    for name, change in changes.items():
        for length in (15, 30, 200):
            partition = Partition()
            originals = [document(rng, length) for _ in range(300)]
            sides = [partition.side(" ".join(words)) for words in originals]
            same = np.mean(
                [partition.side(change(words)) == side for words, side in zip(originals, sides, strict=True)]
            )
            assert same >= 0.95, (name, length, same)


def test_documents_that_share_a_phrase_are_independent() -> None:
    partition, rng = Partition(), random.Random(3)
    phrase = document(rng, 10)
    sides = [partition.side(" ".join([*phrase, *document(rng, 60)])) for _ in range(2000)]
    assert 0.45 < np.mean(np.array(sides) == HELD_OUT) < 0.55


def test_sides_depend_on_the_text_alone_where_nothing_is_alike() -> None:
    rng = random.Random(4)
    texts = [" ".join(document(rng, 30)) for _ in range(200)]
    first, second = Partition(), Partition()
    forward = {text: first.side(text) for text in texts}
    assert {text: second.side(text) for text in reversed(texts)} == forward


def test_texts_without_words_and_lone_surrogates_have_a_side() -> None:
    partition = Partition()
    assert {partition.side(text) for text in ("", "!!!", "\ud800", "\u4f60\u597d")} <= {OPEN, CONFIRM, HELD_OUT}
