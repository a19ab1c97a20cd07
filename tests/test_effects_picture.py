"""Unwanted effects drawn by how common they are."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from treatments.effects_picture import effects_picture
from treatments.models import SideEffect

How = SideEffect.HowCommon


def effect(name, how_common, percent=None) -> SideEffect:
    """An effect that is in no database."""
    share = None if percent is None else Decimal(percent)
    return SideEffect(name=name, how_common=how_common, percent=share)


effects = st.lists(
    st.builds(
        effect,
        st.text("abc", min_size=1, max_size=3),
        st.sampled_from(How.values),
        st.none() | st.integers(0, 100),
    ),
    max_size=8,
)


@given(effects)
def test_every_effect_is_drawn_once_at_the_word_said_of_it(told):
    picture = effects_picture(told)
    assert list(map(id, picture.effects)) == list(map(id, told))
    for row in picture.rows:
        assert [p.word for p in row.places if p.is_said] == [row.effect.how_common]


def test_unknown_is_a_place_apart_from_rare_and_moves_nothing_down():
    told = [effect("a", How.UNKNOWN), effect("b", How.RARE), effect("c", How.COMMON, 12)]
    picture = effects_picture(told)
    assert [e.name for e in picture.effects] == ["a", "b", "c"]
    assert picture.words == ["common", "some people", "single reports", "not known"]
    assert [p.word for p in picture.rows[0].places] == ["common", "uncommon", "rare", "unknown"]


def test_a_share_is_never_made_of_a_word():
    picture = effects_picture([effect("a", How.COMMON), effect("b", How.COMMON, 87)])
    assert [row.percent for row in picture.rows] == [None, 87]
    assert (picture.has_shares, picture.has_words) == (True, True)
    assert not effects_picture([effect("a", How.COMMON)]).has_shares
    assert not effects_picture([effect("b", How.COMMON, 87)]).has_words
