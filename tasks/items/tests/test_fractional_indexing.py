from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tasks.items.fractional_indexing import ALPHABET, initial_position, position_between

POSITIONS = st.text(ALPHABET, min_size=1, max_size=8).filter(lambda text: not text.endswith("0"))
ENDS = st.just("")


@given(POSITIONS | ENDS, POSITIONS | ENDS)
def test_between_any_two_there_is_another(one, other):
    before, after = sorted([one, other]) if one and other else (one, other)
    assume(not (before and after) or before != after)

    position = position_between(before, after)

    assert before < position
    assert not after or position < after
    assert not position.endswith("0")
    assert len(position) <= max(len(before), len(after)) + 1


@given(st.lists(st.integers(0, 100), min_size=1, max_size=60))
def test_any_sequence_of_moves_keeps_all_apart_and_in_order(places):
    row: list[str] = []

    for place in places:
        index = place % (len(row) + 1)
        row.insert(index, position_between(row[index - 1] if index else "", row[index] if index < len(row) else ""))

    assert row == sorted(set(row))


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_new_tasks_come_in_the_order_of_their_numbers(one, other):
    assert (initial_position(one) < initial_position(other)) is (one < other)


@pytest.mark.parametrize(("before", "after"), [("a", "a"), ("b", "a"), ("a1", "a")])
def test_there_is_nothing_between_what_is_out_of_order(before, after):
    with pytest.raises(ValueError, match="does not come before"):
        position_between(before, after)
