"""Lists of clinics become drafts: no row lost, nothing published, no editor overruled."""

import csv
import hashlib
import os
from datetime import time
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from clinics.clinic_lists import MAPPINGS_DIRECTORY, Mapping, MappingError
from clinics.imports import Result, import_clinics
from clinics.list_values import clean, parse_hours
from clinics.models import Clinic, OpeningHours
from tests.factories import ClinicFactory, PlaceFactory

NEUTRAL = MAPPINGS_DIRECTORY / "neutral.yaml"
TURKISH = MAPPINGS_DIRECTORY / "turkish_hair.yaml"
COLUMNS = (
    *("source", "source_id", "name", "category", "country", "region", "city", "street"),
    *("postcode", "lat", "lon", "phone", "email", "website", "specialities", "services"),
    *("hours", "ownership"),
)
ROW = {"source": "list", "source_id": "1", "name": "Heron Clinic", "country": "FR"}


@pytest.fixture
def written(tmp_path):
    """A function that writes rows, or text, or bytes, to a file and returns its path."""

    def write(*rows, name="list.csv"):
        path = tmp_path / name
        if rows and isinstance(rows[0], bytes):
            path.write_bytes(rows[0])
            return path
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows({**ROW, **row} for row in rows)
        return path

    return write


def run(path, mapping=NEUTRAL, **options):
    return list(import_clinics(path, Mapping.read(mapping), **options))


def results(outcomes):
    return [(outcome.line, outcome.result.value) for outcome in outcomes]


def imported(path, **row_options):
    """The only clinic that a file brings."""
    run(path, **row_options)
    return Clinic.objects.get()


# --- one row


@pytest.mark.django_db
def test_a_row_becomes_a_draft_with_all_that_it_says(written, paris):
    clinic = imported(
        written(
            {
                "category": "Hospital",
                "city": "PARIS",
                "street": "1 rue de  l’Exemple",
                "postcode": "75001",
                "lat": "48.853409820556641",
                "lon": "2.3488",
                "phone": "01 99 00 12 34",
                "email": "contact@heron.example",
                "website": "heron.example/clinic",
                "hours": "Mo 09:00-13:00,14:00-17:30; Tu 10:00-12:00",
            }
        )
    )
    assert (clinic.status, clinic.is_sample, clinic.import_key) == ("draft", False, "list:1")
    assert (clinic.slug, clinic.name, clinic.place) == ("heron-clinic", "Heron Clinic", paris)
    assert (clinic.address, clinic.postcode) == ("1 rue de l’Exemple", "75001")
    assert (clinic.latitude, clinic.longitude) == (Decimal("48.85341"), Decimal("2.34880"))
    assert clinic.phone == "+33 1 99 00 12 34"
    assert clinic.website == "http://heron.example/clinic"
    assert (clinic.email, clinic.facility_type) == ("contact@heron.example", "hospital")
    assert clinic.name_folded == " heron clinic"
    assert list(clinic.opening_hours.values_list("weekday", "opens", "closes")) == [
        (0, time(9), time(13)),
        (0, time(14), time(17, 30)),
        (1, time(10), time(12)),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("row", "field", "kept", "note"),
    [
        ({"phone": "ask at the desk"}, "phone", "", "phone dropped: not a valid number"),
        (
            {"phone": "01 99 00 12 34 / 01 99 00 12 35"},
            "phone",
            "+33 1 99 00 12 34",
            "only the first of several phone numbers taken",
        ),
        ({"email": "a b@heron.example"}, "email", "", "email dropped: not a valid address"),
        ({"website": "javascript:alert(1)"}, "website", "", "website dropped: not a valid address"),
        ({"postcode": "7" * 21}, "postcode", "", "postcode dropped: longer than 20 characters"),
        ({"lat": "91", "lon": "2"}, "latitude", None, "coordinates dropped: not a place on Earth"),
        ({"lat": "0", "lon": "0"}, "latitude", None, "coordinates dropped: not a place on Earth"),
        ({"lat": "NaN", "lon": "2"}, "latitude", None, "coordinates dropped: not a place on Earth"),
        ({"lat": "1e9", "lon": "2"}, "latitude", None, "coordinates dropped: not a place on Earth"),
        (
            {"lat": "48,85", "lon": ""},
            "latitude",
            None,
            "coordinates dropped: not a place on Earth",
        ),
        ({"country": "France"}, "status", "draft", "country dropped: not a two-letter code"),
        ({"category": "Bakery"}, "facility_type", "", "no facility type for “Bakery”"),
        ({"hours": "always"}, "status", "draft", "hours dropped: not understood"),
    ],
)
def test_a_value_that_does_not_hold_is_dropped_and_the_row_kept(written, row, field, kept, note):
    path = written(row)
    assert [outcome.notes for outcome in run(path)] == [(note,)]
    assert getattr(Clinic.objects.get(), field) == kept
    assert OpeningHours.objects.count() == 0


@pytest.mark.django_db
def test_text_loses_control_characters_and_keeps_what_looks_like_a_formula(written):
    clinic = imported(written({"name": '=HYPERLINK("x")\x00\x07 \u202eHeron\t\n Clinic'}))
    assert clinic.name == '=HYPERLINK("x") Heron Clinic'


@pytest.mark.django_db
def test_a_town_that_is_none_of_our_places_stays_in_the_address(written, paris):
    path = written({"city": "Nowhere", "street": "1 rue de l’Exemple", "lat": "1", "lon": "2"})
    assert [outcome.notes for outcome in run(path)] == [
        ("town kept in the address: not one of our places",)
    ]
    clinic = Clinic.objects.get()
    assert (clinic.place, clinic.address) == (None, "1 rue de l’Exemple, Nowhere")


@pytest.mark.django_db
def test_a_place_is_matched_in_its_country_only_and_never_when_two_bear_the_name(written, paris):
    PlaceFactory(name="Villeneuve", country=paris.country)
    PlaceFactory(name="Villeneuve", country=paris.country)
    run(
        written(
            {"source_id": "1", "city": "Paris", "country": "US"},
            {"source_id": "2", "city": "Villeneuve"},
            {"source_id": "3", "city": "Páris"},
        )
    )
    assert list(Clinic.objects.order_by("import_key").values_list("place", flat=True)) == [
        None,
        None,
        paris.pk,
    ]


@pytest.mark.django_db
def test_slugs_are_ascii_and_unique(written):
    ClinicFactory(slug="heron-clinic")
    names = ["Heron Clinic", "Heron Clinic", "Heron Clinic", "Клиника", "Łódź & Ağrı"]
    rows = [{"source_id": str(n), "name": name} for n, name in enumerate(names)]
    rows[1]["city"] = "Lyon"
    run(written(*rows))
    slugs = list(
        Clinic.objects.exclude(import_key=None)
        .order_by("import_key")
        .values_list("slug", flat=True)
    )
    assert slugs[1] == "heron-clinic-lyon"
    assert [slug.rpartition("-")[0] for slug in (slugs[0], slugs[2])] == ["heron-clinic"] * 2
    assert slugs[3:] == ["clinic", "lodz-agri"]


# --- many rows


@pytest.mark.django_db
def test_bad_rows_are_reported_by_line_and_lose_no_other(written):
    good = [{"source_id": str(n), "name": f"Clinic {n}"} for n in range(3)]
    lines = written(*good).read_text(encoding="utf-8").splitlines()
    noname = lines[1].replace("Clinic 0", "").replace(",0,", ",9,")
    nokey = lines[1].replace(",0,", ",,")
    long = lines[1].replace("Clinic 0", "x" * 151).replace(",0,", ",8,")
    unclosed = lines[1].replace("Clinic 0", '"Clinic 0').replace(",0,", ",7,")
    text = [lines[0], lines[1], noname, "too,short", unclosed, lines[2], nokey, long, lines[3]]
    content = "\r\n".join(text).encode() + b"\r\nlist,6,Caf\xe9" + b"," * 15 + b"\r\n"
    assert results(run(written(content))) == [
        (2, "created"),
        (3, "refused"),
        (4, "refused"),
        (5, "refused"),
        (6, "created"),
        (7, "refused"),
        (8, "refused"),
        (9, "created"),
        (10, "refused"),
    ]
    assert set(Clinic.objects.values_list("name", flat=True)) == {row["name"] for row in good}


@pytest.mark.django_db
def test_an_unclosed_quotation_mark_costs_one_row_however_long_the_file(written):
    rows = [{"source_id": str(n), "name": f"Clinic {n}", "services": "x" * 200} for n in range(900)]
    text = written(*rows).read_text(encoding="utf-8")
    spoilt = text.replace("Clinic 10,", '"Clinic 10,').encode()
    outcomes = run(written(spoilt))
    assert [o.line for o in outcomes if o.result == Result.REFUSED] == [12]
    assert Clinic.objects.count() == 899


@pytest.mark.django_db
def test_quoted_line_breaks_count_as_lines_of_the_file(written):
    outcomes = run(
        written(
            {"source_id": "1", "street": "1 rue\nde l’Exemple"},
            {"source_id": "2", "name": ""},
        )
    )
    assert results(outcomes) == [(2, "created"), (4, "refused")]


@pytest.mark.django_db
def test_a_key_seen_before_in_the_file_is_a_duplicate_and_the_first_row_counts(written):
    outcomes = run(written({"name": "First"}, {"source_id": "2"}, {"name": "Second"}))
    assert results(outcomes) == [(2, "created"), (3, "created"), (4, "duplicate")]
    assert Clinic.objects.get(import_key="list:1").name == "First"


@pytest.mark.django_db
def test_a_row_that_the_database_refuses_loses_only_itself(written):
    mark = hashlib.sha256(b"list:1").hexdigest()[:12]
    # Every slug that the second row could have is taken.
    ClinicFactory(slug="clinic-1")
    ClinicFactory(slug=f"clinic-1-{mark}")
    rows = [{"source_id": str(n), "name": f"Clinic {n}"} for n in range(3)]
    outcomes = run(written(*rows))
    assert results(outcomes) == [(2, "created"), (3, "refused"), (4, "created")]
    assert outcomes[1].notes[0].startswith("refused by the database")
    assert set(Clinic.objects.exclude(import_key=None).values_list("import_key", flat=True)) == {
        "list:0",
        "list:2",
    }


@pytest.mark.django_db
def test_a_byte_order_mark_and_blank_lines_do_no_harm(written):
    content = written({}).read_bytes().replace(b"\r\n", b"\r\n\r\n")
    assert results(run(written(b"\xef\xbb\xbf" + content))) == [(3, "created")]


# --- again


@pytest.mark.django_db
def test_importing_again_changes_nothing(written, paris):
    path = written(
        {
            "city": "Paris",
            "hours": "Mo 09:00-17:00",
            "phone": "01 99 00 12 34",
            "lat": "1.0000049",
            "lon": "2",
        },
        {"source_id": "2", "name": "Otter Clinic"},
    )
    run(path)
    before = list(Clinic.objects.order_by("pk").values())
    assert results(run(path)) == [(2, "unchanged"), (3, "unchanged")]
    assert list(Clinic.objects.order_by("pk").values()) == before
    assert OpeningHours.objects.count() == 1


@pytest.mark.django_db
def test_a_changed_row_updates_a_draft_that_nobody_edited(written):
    run(written({"hours": "Mo 09:00-17:00", "street": "Old street"}))
    outcomes = run(written({"name": "Heron House", "hours": "Tu 09:00-17:00"}))
    assert results(outcomes) == [(2, "updated")]
    clinic = Clinic.objects.get()
    assert (clinic.name, clinic.name_folded) == ("Heron House", " heron house")
    assert (clinic.slug, clinic.address) == ("heron-clinic", "")
    assert [span.weekday for span in clinic.opening_hours.all()] == [1]
    assert results(run(written({"name": "Heron House", "hours": "Tu 09:00-17:00"}))) == [
        (2, "unchanged")
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "edit",
    [
        lambda clinic: Clinic.objects.filter(pk=clinic.pk).update(phone="+33 1 99 00 00 00"),
        lambda clinic: clinic.opening_hours.all().delete(),
    ],
    ids=["phone", "hours"],
)
def test_an_editors_change_outlives_a_changed_row(written, edit):
    clinic = imported(written({"hours": "Mo 09:00-17:00"}))
    edit(clinic)
    before = Clinic.objects.values().get()
    (outcome,) = run(written({"name": "Heron House", "hours": "Mo 09:00-17:00"}))
    assert (outcome.result, outcome.notes) == (
        Result.CONFLICT,
        ("changed in the list, but edited here since: the editor’s values kept",),
    )
    assert Clinic.objects.values().get() == before


@pytest.mark.django_db
def test_what_the_list_does_not_say_is_an_editors_alone(written):
    clinic = imported(written({}))
    Clinic.objects.filter(pk=clinic.pk).update(description="Seen.", slug="heron")
    assert results(run(written({"name": "Heron House"}))) == [(2, "updated")]
    clinic.refresh_from_db()
    assert (clinic.name, clinic.description, clinic.slug) == ("Heron House", "Seen.", "heron")


@pytest.mark.django_db
def test_a_published_clinic_is_not_changed_by_a_list(written, paris):
    clinic = imported(written({"city": "Paris", "category": "Hospital"}))
    Clinic.objects.filter(pk=clinic.pk).update(status="published")
    (outcome,) = run(written({"city": "Paris", "category": "Hospital", "name": "Other"}))
    assert outcome.result == Result.CONFLICT
    clinic.refresh_from_db()
    assert (clinic.name, clinic.status) == ("Heron Clinic", "published")


@pytest.mark.django_db
def test_a_dry_run_says_the_same_and_changes_nothing(written):
    run(written({}))
    before = list(Clinic.objects.values())
    path = written({"name": "Heron House"}, {"source_id": "2"}, {"source_id": "2"})
    expected = [(2, "updated"), (3, "created"), (4, "duplicate")]
    assert results(run(path, dry_run=True)) == expected
    assert list(Clinic.objects.values()) == before
    assert results(run(path)) == expected


@pytest.mark.django_db
def test_queries_grow_with_batches_and_not_with_rows(written, django_assert_max_num_queries):
    for number in (1, 300):
        Clinic.objects.all().delete()
        path = written(*({"source_id": str(n), "name": f"Clinic {n}"} for n in range(number)))
        # SQLite takes some forty clinics, or versions of them, in one statement.
        with django_assert_max_num_queries(9 + number // 15):
            run(path)
        with django_assert_max_num_queries(5):
            run(path)


# --- mappings, hours, text


@pytest.mark.django_db
def test_the_mapping_of_turkish_clinics_refuses_agencies(tmp_path, istanbul):
    path = tmp_path / "turkish.csv"
    path.write_text(
        "name,slug,city,website,entry_type\n"
        "Örnek Balıkçıl,ornek,İstanbul,https://ornek.example,clinic\n"
        "Ajans,ajans,Istanbul,https://ajans.example,facilitator\n",
        encoding="utf-8",
    )
    outcomes = run(path, TURKISH)
    assert results(outcomes) == [(2, "created"), (3, "refused")]
    clinic = Clinic.objects.get()
    assert (clinic.slug, clinic.place) == ("ornek-balikcil", istanbul)
    assert clinic.import_key == "compare-hair-transplant:ornek"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("columns: {name: name}", "key must list"),
        ("key: [id]", "which column holds the name"),
        ("key: [id]\ncolumns: {name: n, colour: c}", "columns cannot have colour"),
        ("key: [id]\ncolumns: {name: n}\nstatus: published", "cannot have status"),
        (
            "key: [id]\ncolumns: {name: n}\nfacility_type: {column: c, values: {A: castle}}",
            "cannot have castle",
        ),
        ("key: [id]\ncolumns: {name: n}\ndefaults: {country: NO}", "quotation marks"),
        ("key: [id", "not a YAML file"),
        ("- a", "must hold"),
    ],
)
def test_a_wrong_mapping_is_refused_with_what_to_change(tmp_path, text, message):
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MappingError, match=message):
        Mapping.read(path)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Mo 09:00-17:00", [(0, time(9), time(17))]),
        ("Mo-Tu 9:00–12:30", [(0, time(9), time(12, 30)), (1, time(9), time(12, 30))]),
        ("Sa,Su 10:00-24:00", [(5, time(10), time(23, 59)), (6, time(10), time(23, 59))]),
        ("24/7", [(day, time(0), time(23, 59)) for day in range(7)]),
        ("Mo 09:00-17:00; Xx 09:00-17:00", None),
        ("Mo 09:00-00:00", [(0, time(9), time(23, 59))]),
        ("Mo 00:00-00:00", None),
        ("Mo 22:00-06:00", None),
        ("Mo 09:00-13:00,12:00-17:00", None),
        ("Mo 25:00-26:00", None),
        ("Fr-Mo 09:00-17:00", None),
        ("Mo", None),
    ],
)
def test_hours_are_read_whole_or_not_at_all(text, spans):
    assert parse_hours(text) == (None if spans is None else tuple(spans))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (None, ""),
        (" a\r\n\tb\u00a0c ", "a b c"),
        ("e\u0301", "é"),
        ("\ufeffa\u202eb\x9fc\x00", "abc"),
        ("a\x00 \x01b", "a b"),
    ],
)
def test_cleaning_keeps_letters_and_single_spaces(text, cleaned):
    assert clean(text) == cleaned


# --- the command


@pytest.mark.django_db
def test_the_command_sums_up_and_reports_every_row(written, tmp_path):
    path = written(
        {"name": "=1+1"}, {"source_id": "2", "name": ""}, {"source_id": "3", "email": "no"}
    )
    report, out = tmp_path / "report.csv", StringIO()
    call_command("import_clinics", path, mapping="neutral", report=report, stdout=out)
    with report.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["line", "result", "key", "name", "notes"],
            # A spreadsheet would otherwise work it out.
            ["2", "created", "list:1", "'=1+1", ""],
            ["3", "refused", "", "", "has no name"],
            ["4", "created", "list:3", "Heron Clinic", "email dropped: not a valid address"],
        ]
    assert "line 3: refused" in out.getvalue()
    assert (
        "3 rows: 2 created, 0 updated, 0 unchanged, 0 conflict, 0 duplicate, 1 refused."
        in out.getvalue()
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfen\x00a\x00m\x00e\x00", "not a CSV file in UTF-8"),
        (b"name;city\nHeron;Paris\n", "has no column"),
        (b"", "has no column"),
    ],
)
def test_a_file_that_is_no_list_is_refused_whole(written, content, message):
    with pytest.raises(CommandError, match=message):
        call_command("import_clinics", written(content), mapping="neutral")


@pytest.mark.django_db
def test_missing_files_are_named(written, tmp_path):
    with pytest.raises(CommandError, match=r"missing\.csv"):
        call_command("import_clinics", tmp_path / "missing.csv", mapping="neutral")
    with pytest.raises(CommandError, match=r"missing\.yaml"):
        call_command("import_clinics", written({}), mapping="missing.yaml")


@pytest.mark.django_db
def test_real_lists_are_read_without_losing_a_row():
    folder = os.environ.get("MESOGUIDE_REAL_LISTS")
    if not folder or not Path(folder).is_dir():
        pytest.skip(
            "real clinic lists: MESOGUIDE_REAL_LISTS names no folder, so nhs.csv, kenya.csv, "
            "us-hospitals.csv and nhs.duplicate-ids.csv were not imported"
        )
    counted = {}
    for name in ("nhs.duplicate-ids", "kenya", "us-hospitals", "nhs"):
        outcomes = run(Path(folder) / f"{name}.csv")
        counted[name] = (
            len(outcomes),
            sum(outcome.result == Result.DUPLICATE for outcome in outcomes),
            sum(outcome.result == Result.REFUSED for outcome in outcomes),
        )
    assert counted == {
        "nhs.duplicate-ids": (1286, 752, 0),
        "kenya": (10505, 0, 0),
        "us-hospitals": (5421, 0, 0),
        "nhs": (33059, 0, 0),
    }
    assert Clinic.objects.exclude(status="draft").count() == 0
    again = run(Path(folder) / "kenya.csv")
    assert {outcome.result for outcome in again} == {Result.UNCHANGED}
