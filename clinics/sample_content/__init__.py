"""The files from which sample clinics are drawn: towns, customs, names, what is offered."""

import csv
from dataclasses import dataclass
from pathlib import Path

import yaml

DIRECTORY = Path(__file__).parent


@dataclass(frozen=True)
class SampleContent:
    """The files of clinics/sample_content, read."""

    places: list[dict]
    rates: list[dict]
    languages: list[dict]
    countries: dict[str, dict]
    place_exceptions: dict[str, dict]
    phones: dict[str, dict]
    words: dict[str, dict]
    people: dict[str, dict]
    offers: dict[str, dict]
    town_cycle: list[dict]

    @classmethod
    def read(cls, directory: Path = DIRECTORY) -> "SampleContent":
        """Read all files. Raises OSError, KeyError or yaml.YAMLError on a damaged copy."""
        countries = _read_yaml(directory / "countries.yaml")
        names = _read_yaml(directory / "names.yaml")
        places = _read_csv(directory / "places.csv")
        return cls(
            places=places,
            rates=_read_csv(directory / "rates.csv"),
            languages=_read_csv(directory / "languages.csv"),
            countries=countries["countries"],
            place_exceptions=countries["places"],
            phones=countries["phones"],
            words=names["words"],
            people={
                code: {part: text.split() for part, text in parts.items()}
                for code, parts in names["people"].items()
            },
            offers=_read_yaml(directory / "offers.yaml"),
            town_cycle=_town_cycle(places),
        )

    def town_of(self, number: int) -> "Town":
        """Where clinic `number` (from 1) stands."""
        place = self.town_cycle[(number - 1) % len(self.town_cycle)]
        customs = {
            **self.countries[place["country"]],
            **self.place_exceptions.get(place["slug"], {}),
        }
        return Town(
            place=place,
            customs=customs,
            words=self.words[customs["words"]],
            people=self.people[customs["people"]],
            phones=self.phones.get(place["slug"]),
        )


@dataclass(frozen=True)
class Town:
    """A place and what is customary there."""

    place: dict
    customs: dict
    words: dict
    people: dict
    phones: dict | None


def _town_cycle(places: list[dict]) -> list[dict]:
    """Every place as often as its `sample_clinics` says, each once before any twice."""
    most = max(int(place["sample_clinics"]) for place in places)
    return [
        place for turn in range(most) for place in places if int(place["sample_clinics"]) > turn
    ]


def _read_csv(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _read_yaml(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
