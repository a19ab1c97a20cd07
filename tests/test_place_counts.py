"""Counting clinics by runs of numbers: equal to looking at each of them, whatever moved."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clinics.place_counts import PlaceRuns

PLACES = 6
_numbered = st.lists(st.integers(-1, PLACES - 1), max_size=60).map(
    lambda places: np.array(places, np.int32)
)
_moves = st.lists(st.tuples(st.integers(0, 79), st.integers(0, PLACES - 1)), max_size=20)


@given(_numbered, st.booleans(), _moves, st.data())
def test_counts_by_runs_are_those_of_looking_at_each_clinic(places, in_order, moves, data):
    if in_order:
        places = np.sort(places)
    runs = PlaceRuns(places, PLACES)
    where = dict(enumerate(places.tolist()))
    for number, place in moves:
        runs.take(np.array([number]), np.array([place]))
        where[number] = place
    clinics = sorted(number for number, place in where.items() if place >= 0)
    asked = sorted(data.draw(st.sets(st.sampled_from(clinics)))) if clinics else []
    numbers = np.array(asked, np.uint32)
    expected = [sum(where[number] == place for number in asked) for place in range(PLACES)]
    assert runs.counts(numbers).tolist() == expected
    some = data.draw(st.lists(st.integers(0, PLACES - 1), unique=True))
    found = runs.counts_of(np.array(some, np.int64), numbers).tolist()
    assert found == [expected[place] for place in some]


def test_several_clinics_move_at_once():
    runs = PlaceRuns(np.array([0, 0, 1, 1, 2]), 3)
    runs.take(np.array([1, 2, 5]), np.array([2, 0, 1]))
    assert runs.counts(np.arange(6, dtype=np.uint32)).tolist() == [2, 2, 2]
    runs.take(np.array([1, 2]), np.array([0, 1]))
    assert runs.counts(np.arange(6, dtype=np.uint32)).tolist() == [2, 3, 1]
