"""The index follows the database: after every edit it equals one built from scratch."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from clinics import live_index
from clinics.live_index import LiveIndex, build_index
from clinics.models import Check, Clinic, Currency, Offer, Place, Practitioner
from clinics.narrowing import Narrowing
from clinics.selection import Point, Selection, last_page
from tests.factories import CheckFactory, ClinicFactory, OfferFactory, PractitionerFactory
from tests.search_oracle import TODAY, build_world
from treatments.models import BodyArea, Concern, Treatment

pytestmark = pytest.mark.django_db(transaction=True)

SELECTIONS = [
    Selection(),
    Selection(sort="name"),
    Selection(sort="confirmed"),
    Selection(sort="price", currency="GBP"),
    Selection(sort="distance", near=Point(48.0, 2.0)),
    Selection(near=Point(48.5, 1.5), radius_km=200),
    Selection(words="acib"),
    Selection(words="renamed"),
    Selection(words="zoe lyon", sort="price"),
    Selection(chosen={"treatment": ("treatment-0",)}, price_max=Decimal(150)),
    Selection(chosen={"treatment": ("treatment-0", "treatment-1")}, all_treatments=True),
    Selection(chosen={"area": ("area-1",), "product": ("named",)}, sort="price"),
    Selection(chosen={"check": ("licence",), "language": ("language-fr",)}),
    Selection(chosen={"country": ("france",), "fresh": ("6-months",)}),
    Selection(chosen={"concern": ("concern-1",)}, sessions_max=4, course_max=Decimal(900)),
]


def everything(index) -> list:
    """All answers to the selections: every page, every count, the prices."""
    found = []
    for selection in SELECTIONS:
        asked = Narrowing(index, selection)
        pages = range(1, last_page(len(asked.matched)) + 1)
        answers = [replace(asked.answer(page), versions={}) for page in pages]
        found.append((answers, asked.prices()))
    return found


def assert_true_now(live: LiveIndex, day=TODAY) -> None:
    """The live index answers as one built from scratch does."""
    with live.on(day) as index:
        assert everything(index) == everything(build_index(day))


def some(chance: random.Random, queryset):
    return chance.choice(list(queryset.order_by("pk")))


def edits(chance: random.Random) -> list:
    """Ways in which people and programs change the directory, raw SQL among them."""
    clinic = some(chance, Clinic.objects)
    offer = some(chance, Offer.objects)
    treatment = some(chance, Treatment.objects)

    def raw(sql, *values):
        with connection.cursor() as cursor:
            cursor.execute(sql, values)

    return [
        lambda: ClinicFactory(name="Renamed clinic", place=some(chance, Place.objects)),
        lambda: OfferFactory(clinic=clinic, treatment=treatment, label=str(chance.random())),
        clinic.delete,
        offer.delete,
        lambda: Clinic.objects.filter(pk=clinic.pk).update(
            status=chance.choice([Clinic.Status.PUBLISHED, Clinic.Status.SUSPENDED])
        ),
        lambda: Offer.objects.filter(clinic=clinic).update(price_low=7, price_high=11),
        lambda: raw("UPDATE clinics_clinic SET name = %s WHERE id = %s", "Renamed", clinic.pk),
        lambda: raw(
            "UPDATE clinics_clinic SET place_id = %s WHERE id = %s",
            some(chance, Place.objects).pk,
            clinic.pk,
        ),
        lambda: raw("DELETE FROM clinics_check WHERE clinic_id = %s", clinic.pk),
        lambda: raw(
            "UPDATE clinics_offer SET clinic_id = %s, label = %s WHERE id = %s",
            clinic.pk,
            f"moved {chance.random()}",
            offer.pk,
        ),
        lambda: CheckFactory(clinic=clinic, checked_on=TODAY),
        lambda: PractitionerFactory(clinic=clinic, name=f"Zoë {chance.random()}"),
        lambda: Practitioner.objects.filter(clinic=clinic).delete(),
        clinic.languages.clear,
        lambda: offer.body_areas.set(BodyArea.objects.order_by("?")[:1]),
        lambda: Treatment.objects.filter(pk=treatment.pk).update(
            is_published=not treatment.is_published
        ),
        lambda: treatment.concern_links.all().delete(),
        lambda: treatment.aliases.create(name=f"Renamed {chance.random()}"),
        lambda: Currency.objects.filter(code="GBP").update(
            per_euro=Decimal(chance.randint(5, 20)) / 10
        ),
        lambda: Place.objects.filter(pk=some(chance, Place.objects).pk).update(
            latitude=chance.randint(40, 50), name="Renamed town"
        ),
        lambda: Concern.objects.filter(slug="concern-1").update(slug="concern-one"),
        lambda: Offer.objects.update(price_confirmed_on=TODAY - timedelta(chance.randint(0, 300))),
        lambda: Check.objects.filter(clinic=clinic).update(expires_on=TODAY - timedelta(1)),
    ]


@pytest.mark.parametrize("seed", range(2))
def test_after_any_edits_it_equals_an_index_built_from_scratch(seed, monkeypatch):
    # However much changes, follow it: it is the following that is tried here.
    monkeypatch.setattr(live_index, "_SHARE_TO_REBUILD", 10)
    build_world(seed, clinics=25)
    live = LiveIndex()
    chance = random.Random(seed)
    built = []
    monkeypatch.setattr(
        live_index, "build_index", lambda day: built.append(day) or build_index(day)
    )
    assert_true_now(live)
    for _round in range(12):
        for _edit in range(chance.randint(1, 3)):
            chance.choice(edits(chance))()
        assert_true_now(live)
    assert built == [TODAY]


def test_another_day_counts_what_has_expired_and_back_again():
    build_world(1, clinics=25)
    live = LiveIndex()
    for days in (0, 1, 30, 200, 199, 0, -40):
        assert_true_now(live, TODAY + timedelta(days))


def test_a_new_currency_or_too_many_changes_are_read_from_scratch(monkeypatch):
    build_world(2, clinics=12)
    live = LiveIndex()
    assert_true_now(live)
    Currency.objects.create(code="AUD", per_euro=Decimal(2), rate_date=TODAY)
    assert_true_now(live)
    monkeypatch.setattr(live_index, "_ALWAYS_FOLLOWED", 0)
    Clinic.objects.update(confirmed_on=TODAY)
    assert_true_now(live)


def test_what_is_rolled_back_was_seen_inside_and_by_nobody_after():
    ClinicFactory(name="Staying")
    live = LiveIndex()
    assert_true_now(live)
    with transaction.atomic():
        ClinicFactory(name="Renamed and gone")
        with live.on(TODAY) as index:
            assert len(index.members) == 2
        transaction.set_rollback(True)
    with live.on(TODAY) as index:
        assert len(index.members) == 1
    # The next change takes the number that the lost one had.
    ClinicFactory(name="Renamed and here")
    assert_true_now(live)


def test_an_error_while_following_leaves_nothing_to_repair(monkeypatch):
    build_world(3, clinics=12)
    live = LiveIndex()
    assert_true_now(live)
    Clinic.objects.filter(status="published").update(name="Renamed")

    def break_down(*_arguments):
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr("clinics.facet_index.FacetIndex._place_again", break_down)
        with pytest.raises(RuntimeError), live.on(TODAY):
            pass
    assert_true_now(live)


def test_a_question_that_fails_leaves_the_connection_usable():
    ClinicFactory()
    live = LiveIndex()
    with pytest.raises(ZeroDivisionError), live.on(TODAY):
        1 / 0  # noqa: B018
    ClinicFactory()
    assert_true_now(live)


# --- The file


@pytest.fixture
def snapshot(tmp_path):
    """Where an index is kept, of a world that has changed since it was first read."""
    build_world(4, clinics=25)
    live = LiveIndex()
    with live.on(TODAY):
        pass
    Clinic.objects.filter(name__startswith="A").update(name="Renamed")
    file = tmp_path / "index.npz"
    live.prepare(TODAY, file)
    return file


def prepared_without_building(monkeypatch, file) -> LiveIndex:
    """A new process's index from the file; building from scratch is refused."""
    live = LiveIndex()
    with monkeypatch.context() as patched:
        patched.delattr(live_index, "build_index")
        live.prepare(TODAY, file)
    return live


def test_a_new_process_goes_on_from_the_file(snapshot, monkeypatch):
    assert_true_now(prepared_without_building(monkeypatch, snapshot))


def test_what_changed_since_the_file_was_written_is_read(snapshot, monkeypatch):
    some(random.Random(1), Clinic.objects.published()).delete()
    Treatment.objects.filter(slug="treatment-0").update(is_published=False)
    Currency.objects.filter(code="GBP").update(per_euro=Decimal("0.5"))
    Place.objects.update(latitude=45)
    assert_true_now(prepared_without_building(monkeypatch, snapshot))


def test_edits_go_on_after_a_start_from_the_file(snapshot, monkeypatch):
    live = prepared_without_building(monkeypatch, snapshot)
    chance = random.Random(7)
    for _round in range(6):
        chance.choice(edits(chance))()
        assert_true_now(live)


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "flipped", "other", "old"])
def test_a_file_that_cannot_be_used_is_made_anew(snapshot, damage, monkeypatch):
    whole = snapshot.read_bytes()
    if damage == "missing":
        snapshot.unlink()
    elif damage == "old":
        monkeypatch.setattr("clinics.index_snapshot.FORMAT", 0)
    else:
        middle = len(whole) // 2
        snapshot.write_bytes(
            {
                "empty": b"",
                "cut": whole[:middle],
                "flipped": whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :],
                "other": b"PK not an index" * 100,
            }[damage]
        )
    live = LiveIndex()
    live.prepare(TODAY, snapshot)
    assert_true_now(live)
    monkeypatch.undo()
    again = LiveIndex()
    again.prepare(TODAY, snapshot)
    assert_true_now(again)


def test_a_file_from_a_history_that_never_was_is_not_followed(snapshot, monkeypatch):
    with connection.cursor() as cursor:
        # As after a backup was put back: the same version number, but not the same facts.
        cursor.execute("UPDATE clinics_directorychange SET stamp = 'another'")
    live = LiveIndex()
    ClinicFactory()
    live.prepare(TODAY, snapshot)
    assert_true_now(live)
