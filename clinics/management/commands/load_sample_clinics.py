"""Load fictional sample clinics."""

from datetime import date
from decimal import Decimal

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from clinics.models import (
    Check,
    Clinic,
    Country,
    Currency,
    Language,
    Offer,
    OpeningHours,
    Place,
    Practitioner,
)
from clinics.sample_clinics import (
    KEY_PREFIX,
    SampleClinic,
    import_key,
    make_sample_clinic,
)
from clinics.sample_content import SampleContent
from treatments.history import CHANGED, one_change
from treatments.models import Treatment

# Few enough that a batch fits easily in memory, many enough that inserts are rare.
BATCH = 500


class Command(BaseCommand):
    help = (
        "Adds fictional sample clinics in real cities, with the countries, places, languages and "
        "currencies that they refer to. Every page that shows one says that it is a sample. Run "
        "it once after load_catalogue. Clinics that are there already are left as they are, "
        "whatever an editor made of them; deleted ones come back, so suspend those you do not "
        "want to see."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--clinics",
            type=int,
            default=400,
            metavar="N",
            help="How many there should be in all (400). With 0 only places, languages and rates.",
        )
        parser.add_argument(
            "--today",
            type=date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="The day from which prices and checks count back, if not the real one.",
        )

    def handle(self, *, clinics, today, verbosity, **options):
        if clinics < 0:
            raise CommandError("--clinics cannot be negative.")

        def say(line):
            if verbosity:
                self.stdout.write(line)

        content = SampleContent.read()
        load_places(content)
        held = Clinic.objects.filter(import_key__startswith=KEY_PREFIX).count()
        if held >= clinics:
            say(f"{held} sample clinics are there already; nothing to do.")
            return
        treatments = treatments_on_offer(content)
        if not treatments:
            raise CommandError(
                "There are no treatments that a sample clinic could offer. "
                "Run load_catalogue first."
            )
        added = 0
        for first in range(1, clinics + 1, BATCH):
            last = min(first + BATCH - 1, clinics)
            numbers = missing_numbers(first, last)
            if numbers:
                save_samples(
                    make_sample_clinic(number, content, treatments, today or timezone.localdate())
                    for number in numbers
                )
                added += len(numbers)
            say(f"Sample clinics: {last} of {clinics}")
        say(f"{added} sample clinics added.")


def load_places(content: SampleContent) -> None:
    """Add the countries, places, languages and currencies that are missing. Five queries.

    Rows that are there stay as they are, but for one thing: an exchange rate of the
    European Central Bank, or a peg, gives way to a newer one.
    """
    with transaction.atomic():
        _add_missing(
            Country,
            [
                Country(code=code, slug=country["slug"], name=country["name"])
                for code, country in content.countries.items()
            ],
            "code",
        )
        _add_missing(
            Place,
            [
                Place(
                    slug=place["slug"],
                    name=place["name"],
                    country_id=place["country"],
                    latitude=Decimal(place["latitude"]),
                    longitude=Decimal(place["longitude"]),
                    timezone=place["timezone"],
                )
                for place in content.places
            ],
            "slug",
        )
        _add_missing(Language, [Language(**language) for language in content.languages], "code")
        rated = {
            rate["code"]: Currency(
                code=rate["code"],
                per_euro=Decimal(rate["per_euro"]),
                rate_date=date.fromisoformat(rate["date"]),
                rate_source=rate["source"],
            )
            for rate in content.rates
        }
        spent = {country["currency"] for country in content.countries.values()}
        unrated = [Currency(code=code) for code in sorted(spent - set(rated))]
        held = _add_missing(Currency, [*rated.values(), *unrated], "code")
        sources = {rate["source"] for rate in content.rates}
        outdated = [
            rated[code]
            for code, currency in held.items()
            if code in rated
            and currency.rate_source in sources
            and currency.rate_date < rated[code].rate_date
        ]
        if outdated:
            _renew_rates(outdated)


def _renew_rates(currencies: list[Currency]) -> None:
    with one_change(reason="Newer rates, loaded with the sample clinics") as change:
        change.keep_before(Currency, [currency.pk for currency in currencies])
        Currency.objects.bulk_update(currencies, ["per_euro", "rate_date", "rate_source"])
        for currency in currencies:
            change.note(currency, CHANGED)


def _add_missing(model, rows: list, key: str) -> dict:
    """Insert the rows whose `key` no row has yet; returns those that were there, by key."""
    held = model.objects.in_bulk([getattr(row, key) for row in rows], field_name=key)
    model.objects.bulk_create(row for row in rows if getattr(row, key) not in held)
    return held


def treatments_on_offer(content: SampleContent) -> dict[str, tuple[int, list[int]]]:
    """Published treatments that samples offer: slug to primary key and those of its areas.

    Two queries.
    """
    treatments = (
        Treatment.objects.published()
        .exclude(kind=Treatment.Kind.COMPARISON)
        .filter(slug__in=content.offers)
        .prefetch_related("body_areas")
    )
    return {
        treatment.slug: (treatment.pk, sorted(area.pk for area in treatment.body_areas.all()))
        for treatment in treatments
    }


def missing_numbers(first: int, last: int) -> list[int]:
    """The numbers from `first` to `last` of which no sample clinic is held. One query."""
    keys = {import_key(number): number for number in range(first, last + 1)}
    held = Clinic.objects.filter(import_key__in=keys).values_list("import_key", flat=True)
    return sorted(set(keys.values()) - {keys[key] for key in held})


def save_samples(made) -> None:
    """Insert the clinics of one batch with all that hangs from them, or none of it."""
    samples: list[SampleClinic] = list(made)
    places = Place.objects.in_bulk({sample.place for sample in samples}, field_name="slug")
    for sample in samples:
        sample.clinic.place = places[sample.place]
    with transaction.atomic():
        Clinic.objects.bulk_create(sample.clinic for sample in samples)
        OpeningHours.objects.bulk_create(row for sample in samples for row in sample.hours)
        Practitioner.objects.bulk_create(row for sample in samples for row in sample.practitioners)
        Check.objects.bulk_create(row for sample in samples for row in sample.checks)
        Offer.objects.bulk_create(offer for sample in samples for offer, _areas in sample.offers)
        Clinic.languages.through.objects.bulk_create(
            Clinic.languages.through(clinic_id=sample.clinic.pk, language_id=code)
            for sample in samples
            for code in sample.languages
        )
        Offer.body_areas.through.objects.bulk_create(
            Offer.body_areas.through(offer_id=offer.pk, bodyarea_id=area)
            for sample in samples
            for offer, areas in sample.offers
            for area in areas
        )
