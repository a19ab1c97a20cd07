"""Unwanted effects drawn by how common they are. Numbers and places, no HTML.

How common an effect is, is a word of the catalogue and, for some, a share of the people
in a cited study. The two are never turned into one another: a word has a place among four
words, a share has a bar of its own. "Not known" is a place too, apart from the others: it
is not rarer than rare. So effects stay in the order that an editor gave them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from .models import SideEffect

How = SideEffect.HowCommon

# From common to rare; "not known" is last and stands apart.
_WORDS = (How.COMMON, How.UNCOMMON, How.RARE, How.UNKNOWN)


@dataclass(frozen=True)
class Place:
    """One of the four words, and whether it is the one said of the effect."""

    word: str
    label: str
    is_said: bool


@dataclass(frozen=True)
class DrawnEffect:
    """One effect with its place among the words; `percent` of people in the cited study."""

    effect: SideEffect
    places: tuple[Place, ...]

    @property
    def percent(self) -> Decimal | None:
        return self.effect.percent


@dataclass(frozen=True)
class EffectsPicture:
    """One row for each effect, in the editor's order."""

    rows: tuple[DrawnEffect, ...]

    @property
    def effects(self) -> list[SideEffect]:
        """The effects, for the table behind the picture."""
        return [row.effect for row in self.rows]

    @property
    def has_shares(self) -> bool:
        """Whether a share of people is known of any effect."""
        return any(row.percent is not None for row in self.rows)

    @property
    def has_words(self) -> bool:
        """Whether only a word is known of any effect."""
        return any(row.percent is None for row in self.rows)

    @property
    def words(self) -> list[str]:
        """What the four places mean, from left to right."""
        return [str(word.label) for word in _WORDS]


def effects_picture(effects: Iterable[SideEffect]) -> EffectsPicture:
    """Draw effects in the order in which they come."""
    return EffectsPicture(
        tuple(
            DrawnEffect(
                effect,
                tuple(
                    Place(word.value, str(word.label), word == effect.how_common) for word in _WORDS
                ),
            )
            for effect in effects
        )
    )
