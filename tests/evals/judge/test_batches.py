from __future__ import annotations

import pytest

from tsea.evals.judge.batches import dealt, dealt_pairs, shuffling


@pytest.mark.parametrize("size", [1, 4, 5, 7, 100])
def test_every_item_is_in_one_batch_and_classes_are_spread_evenly(size: int) -> None:
    classes = [1] * 20 + [0] * 20
    batches = dealt(classes, size, shuffling(7))
    assert sorted(place for batch in batches for place in batch) == list(range(40))
    assert all(len(batch) == size for batch in batches[:-1])
    for batch in batches:
        assert abs(2 * sum(classes[place] for place in batch) - len(batch)) == len(batch) % 2


def test_an_uneven_class_is_spread_as_well() -> None:
    classes = [1] * 4 + [0] * 16
    assert [sum(classes[place] for place in batch) for batch in dealt(classes, 5, shuffling(0))] == [1, 1, 1, 1]


def test_items_are_shuffled_the_same_way_each_time_and_differently_for_each_feature() -> None:
    classes = [1] * 10 + [0] * 10
    assert dealt(classes, 5, shuffling(3)) == dealt(classes, 5, shuffling(3))
    assert dealt(classes, 5, shuffling(3)) != dealt(classes, 5, shuffling(4))
    first = [batch[0] < 10 for feature in range(200) for batch in dealt(classes, 4, shuffling(feature))]
    assert 0.4 < sum(first) / len(first) < 0.6


@pytest.mark.parametrize("size", [1, 2, 5, 50])
def test_both_items_of_a_pair_are_never_in_one_batch(size: int) -> None:
    batches = dealt_pairs(9, size, shuffling(1))
    assert sorted(place for batch in batches for place in batch) == list(range(18))
    assert all(len({place // 2 for place in batch}) == len(batch) for batch in batches)


def test_half_of_the_pairs_are_asked_about_with_each_place_first() -> None:
    batches = dealt_pairs(10, 10, shuffling(1))
    assert [sum(place % 2 for place in batch) for batch in batches] == [5, 5]
