"""Bulk files in the admin: what comes in is what was shown, and nothing of anybody else's."""

import csv
import datetime
import io
import random
import zipfile
from decimal import Decimal

import openpyxl
import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from clinics import bulk_files, bulk_work
from clinics.bulk_columns import CLINICS, OFFERS, RULES, SHEETS, Known, broken_rules
from clinics.bulk_export import as_csv, as_xlsx
from clinics.bulk_files import FileRefused, open_rows
from clinics.bulk_work import check_again, keep, path_of, start_import, take_next, work_on
from clinics.models import (
    BulkImport,
    BulkLine,
    Clinic,
    Offer,
    OpeningHours,
    Proposal,
)
from clinics.review import approve
from tests.factories import (
    BodyAreaFactory,
    ClinicFactory,
    CurrencyFactory,
    EditorFactory,
    EnquiryFactory,
    LanguageFactory,
    MembershipFactory,
    OfferFactory,
    OpeningHoursFactory,
    PlaceFactory,
    TreatmentFactory,
)
from treatments.spreadsheet_text import as_written, harmless, harmless_as_text

State = BulkImport.State
LONG_AGO = datetime.date(2020, 1, 1)
FORMULAS = [
    *("=1+1", "+1", "-1", "@SUM(A1)", "==1", "  =1", "'=1", '"=1', "''=1", "'", "'a", "=DDE(1)"),
    *("\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "\t=1", "\ufeff=1", "’=1"),
]
ADD = "/admin/clinics/bulkimport/add/"


@pytest.fixture(autouse=True)
def private_folder(settings, tmp_path):
    """Where files are kept that are sent in."""
    settings.PRIVATE_ROOT = tmp_path / "private"


@pytest.fixture
def editor(db):
    return EditorFactory()


@pytest.fixture
def clinic(db):
    """A clinic that says something in each column."""
    clinic = ClinicFactory(
        slug="aurora",
        name="Aurora",
        address="=1 Example Street",
        postcode="-69001",
        latitude=Decimal("-33.50000"),
        longitude=Decimal("4.83566"),
        phone="+33 1 99 00 12 34",
        email="desk@aurora.example",
        website="https://aurora.example/",
        description="Two rooms.\r\n\r\nA lift, “step-free”; 1,5 m wide.",
        languages=[LanguageFactory(code="fr"), LanguageFactory(code="zh-Hant")],
        confirmed_on=LONG_AGO,
    )
    for weekday in range(5):
        OpeningHoursFactory(clinic=clinic, weekday=weekday)
    OpeningHoursFactory(clinic=clinic, weekday=4, opens=datetime.time(18), closes=datetime.time(20))
    return clinic


@pytest.fixture
def offer(clinic):
    """From 100 to 150 EUR, confirmed long ago."""
    return OfferFactory(
        clinic=clinic,
        treatment=TreatmentFactory(slug="mesolift"),
        label="small area",
        body_areas=[BodyAreaFactory(slug="chin"), BodyAreaFactory(slug="abdomen")],
        product="@home",
        price_confirmed_on=LONG_AGO,
        sessions_low=3,
        sessions_high=6,
        consultation_fee=Decimal(0),
    )


@pytest.fixture
def staff(clinic):
    """Somebody who works for that clinic."""
    return MembershipFactory(clinic=clinic).user


def table(*rows, separator=",") -> bytes:
    """Rows as a CSV file."""
    written = io.StringIO()
    csv.writer(written, delimiter=separator).writerows(rows)
    return written.getvalue().encode()


def checked(user, sheet, content) -> BulkImport:
    """The import of a file after its check."""
    job = keep(SimpleUploadedFile("prices.csv", content), user=user, sheet=sheet)
    work_on(take_next(only=job.pk))
    job.refresh_from_db()
    return job


def imported(job, mode="all") -> BulkImport:
    """The import after it was told to write."""
    assert start_import(job, mode)
    work_on(take_next(only=job.pk))
    job.refresh_from_db()
    return job


def counts(job) -> tuple:
    return (job.state, job.new, job.changed, job.unchanged, job.refused)


def problems(job) -> list:
    """Line, column and message of each problem."""
    return [
        (line.number, column, message)
        for line in job.lines.order_by("number")
        for column, message in line.problems
    ]


def stored() -> list:
    """Everything that a bulk file could change."""
    rows = [sheet.cells_of(list(sheet.rows()), Known(EditorFactory())) for sheet in SHEETS.values()]
    stamps = list(Clinic.objects.order_by("pk").values_list("updated_at", "created_at"))
    return [rows, stamps, list(OpeningHours.objects.values_list("pk", flat=True))]


def exported(sheet, user, form=as_csv) -> bytes:
    return b"".join(form(sheet, sheet.rows(), Known(user)))


# --- There and back


@pytest.mark.django_db
@pytest.mark.parametrize("form", [as_csv, as_xlsx])
@pytest.mark.parametrize("by", ["editor", "staff"])
def test_what_was_exported_changes_nothing_when_it_comes_back(request, offer, form, by):
    user = request.getfixturevalue(by)
    ClinicFactory.create_batch(0 if by == "staff" else 2)
    before = stored()
    for name, sheet in SHEETS.items():
        job = checked(user, name, exported(sheet, user, form))
        assert counts(job) == (State.CHECKED, 0, 0, len(before[0][list(SHEETS).index(name)]), 0)
        assert imported(job).state == State.DONE
    assert stored() == before
    assert not Proposal.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("form", [as_csv, as_xlsx])
def test_no_cell_is_a_formula_and_every_text_comes_back(editor, offer, form, tmp_path):
    for number, text in enumerate(FORMULAS):
        OfferFactory(clinic=offer.clinic, label=f"{number}", product=text, currency=offer.currency)
    content = exported(OFFERS, editor, form)
    path = tmp_path / "offers"
    path.write_bytes(content)
    if form is as_csv:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        cells = [row[OFFERS.header.index("product")] for row in rows[2:]]
        assert cells == [harmless(text) for text in FORMULAS]
        assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))]
    else:
        book = openpyxl.load_workbook(io.BytesIO(content))
        kinds = {cell.data_type for row in book.worksheets[0] for cell in row}
        assert kinds <= {"s", "n"}
        assert {
            cell.value for row in book.worksheets[0] for cell in row if cell.data_type == "n"
        } <= {None}
    with open_rows(path, OFFERS.header) as file:
        products = [row.cells[file.header.index("product")] for row in file.rows][1:]
    assert [text.strip() for text in products] == [text.strip() for text in FORMULAS]
    assert counts(checked(editor, "offers", content))[1:3] == (0, 0)


@given(st.text())
def test_a_text_survives_being_made_harmless(text):
    assert as_written(harmless(text)) == text
    assert as_written(harmless_as_text(text)) == text
    assert not harmless(text).lstrip(" '\"").startswith(("=", "+", "-", "@")) or harmless(
        text
    ).startswith("'")


@pytest.mark.django_db
def test_an_export_is_of_own_clinics_as_filtered_and_never_of_requests(client, staff, offer):
    rival = OfferFactory(clinic__name="Rival", product="rivalcanary")
    EnquiryFactory(clinic=offer.clinic)
    client.force_login(staff)
    for page in ("clinic", "offer"):
        for form in ("csv", "xlsx"):
            response = client.get(f"/admin/clinics/{page}/export/{form}/")
            content = b"".join(response.streaming_content)
            if form == "xlsx":
                content = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
            assert b"aurora" in content
            assert b"ival" not in content
            assert b"cost?" not in content
            assert rival.clinic.slug.encode() not in content
            assert "no-store" in response["Cache-Control"]
    client.force_login(EditorFactory())
    response = client.get("/admin/clinics/offer/export/csv/", {"q": "Rival"})
    rows = list(csv.DictReader(io.StringIO(b"".join(response).decode("utf-8-sig"))))
    assert [row["clinic"] for row in rows] == [rival.clinic.slug]
    assert client.get("/admin/clinics/offer/export/pdf/").status_code == 404


@pytest.mark.django_db
def test_what_is_ticked_is_exported_and_no_rivals_row_with_it(client, staff, offer):
    rival = OfferFactory(product="rivalcanary")
    client.force_login(staff)
    response = client.post(
        "/admin/clinics/offer/",
        {"action": "export_as_csv", "_selected_action": [offer.pk, rival.pk]},
    )
    content = b"".join(response.streaming_content)
    assert b"aurora,mesolift" in content
    assert b"rivalcanary" not in content


# --- What comes in


@pytest.mark.django_db
def test_an_editors_file_changes_makes_and_leaves_alone(editor, offer):
    clinic = offer.clinic
    PlaceFactory(slug="lyon")
    kept = Clinic.objects.get().updated_at
    job = checked(
        editor,
        "clinics",
        table(
            ["slug", "name", "languages", "opening_hours", "phone", "place"],
            ["aurora", "Aurora", "FR; zh-hant", "Mo-Th 09:00-17:00; Sa 10:00-12:00", "", "lyon"],
            ["new-house", "New house", "fr", "24/7", "+33199001235", ""],
        ),
    )
    assert counts(job) == (State.CHECKED, 1, 1, 0, 0)
    changes = {line.key[0]: line.changes for line in job.lines.all()}
    assert changes["aurora"] == [
        [
            "opening_hours",
            "Mo-Th 09:00-17:00; Fr 09:00-17:00,18:00-20:00",
            "Mo-Th 09:00-17:00; Sa 10:00-12:00",
        ],
        ["phone", "+33 1 99 00 12 34", ""],
        ["place", clinic.place.slug, "lyon"],
    ]
    monday = clinic.opening_hours.get(weekday=0).pk
    assert imported(job).state == State.DONE
    clinic.refresh_from_db()
    assert (clinic.phone, clinic.place.slug, clinic.email) == ("", "lyon", "desk@aurora.example")
    assert clinic.opening_hours.get(weekday=0).pk == monday
    assert list(clinic.opening_hours.values_list("weekday", flat=True)) == [0, 1, 2, 3, 5]
    assert clinic.updated_at > kept
    new = Clinic.objects.get(slug="new-house")
    assert (new.status, new.phone) == ("draft", "+33 1 99 00 12 35")
    assert [language.pk for language in new.languages.all()] == ["fr"]
    assert new.opening_hours.count() == 7
    assert not path_of(job).exists()
    # The same file again.
    assert Clinic.objects.count() == 2


@pytest.mark.django_db
def test_a_price_that_an_editor_changes_is_dated_and_the_check_shows_it(editor, offer):
    today = timezone.localdate().isoformat()
    header = ["clinic", "treatment", "label", "price_low", "product"]
    job = checked(editor, "offers", table(header, ["aurora", "mesolift", "small area", "90,5", ""]))
    assert job.lines.get().changes == [
        ["price_low", "100.00", "90.50"],
        ["product", "@home", ""],
        ["price_confirmed_on", "2020-01-01", today],
    ]
    imported(job)
    offer.refresh_from_db()
    assert offer.price_low == Decimal("90.5")
    assert offer.price_confirmed_on.isoformat() == today
    assert {area.slug for area in offer.body_areas.all()} == {"chin", "abdomen"}


@pytest.mark.django_db
def test_a_whole_list_with_a_new_price_changes_nothing_the_second_time(editor, staff, offer):
    OfferFactory(clinic=offer.clinic, price_confirmed_on=None)
    content = exported(OFFERS, editor).replace(b"100.00", b"90.00")
    assert counts(imported(checked(editor, "offers", content))) == (State.DONE, 0, 2, 0, 0)
    days = {timezone.localdate()}
    assert set(Offer.objects.values_list("price_confirmed_on", flat=True)) == days
    for user in (editor, staff):
        assert counts(checked(user, "offers", content)) == (State.CHECKED, 0, 0, 2, 0)


@pytest.mark.django_db
def test_each_error_is_named_by_line_and_column_and_nothing_of_the_row_is_written(editor, offer):
    header = ["clinic", "treatment", "label", "price_low", "unit", "body_areas", "product"]
    good = ["aurora", "mesolift", "small area", "90", "session", "chin", ""]
    job = checked(
        editor,
        "offers",
        table(
            header,
            good,
            [],
            ["aurora", "mesolift", "b", "1,200", "hour", "nose", "painless"],
            ["aurora", "magic", "", "", "", "", ""],
            ["nobody", "mesolift", "", "", "", "", ""],
            good,
            ["aurora", "mesolift", "c", "1e1000000", "", "", ""],
            ["aurora", "mesolift", "d", "5", "", "", ""],
            ["aurora", "mesolift", "e"],
            [*good, "more"],
        ),
    )
    assert counts(job) == (State.CHECKED, 0, 1, 0, 8)
    found = problems(job)
    assert [(line, column) for line, column, _message in found] == [
        *((4, "price_low"), (4, "unit"), (4, "body_areas"), (4, "product")),
        *((5, "treatment"), (6, "clinic"), (7, "clinic"), (8, "price_low")),
        *((9, "price_low"), (9, "currency"), (10, ""), (11, ""), (11, "clinic")),
    ]
    assert found[6][2] == "The same key stands on line 2 already."
    assert found[5][2] == "No clinic has this key."
    assert imported(job, "all").state == State.STOPPED
    assert Offer.objects.get().price_low == 100
    assert check_again(job)
    work_on(take_next(only=job.pk))
    job.refresh_from_db()
    assert imported(job, "good").state == State.DONE
    assert Offer.objects.get().price_low == 90


NO_PRICE = {"price_low": None, "price_high": None, "currency_id": None, "consultation_fee": None}
# What a row may say, and what it may not with the column beside which that is shown.
FINE = {
    Offer: [
        *({}, NO_PRICE, {"price_low": 150}, {"course_price": 0, "course_sessions": 1}),
        {"sessions_low": None, "sessions_high": None},
    ],
    Clinic: [
        *({}, {"latitude": None, "longitude": None}, {"latitude": -90, "longitude": 180}),
        {"status": "draft", "place_id": None, "facility_type": ""},
    ],
}
WRONG = {
    Offer: [
        ({"price_low": 151}, "price_low"),
        ({"price_low": -1}, "price_low"),
        ({"currency_id": None}, "currency"),
        ({**NO_PRICE, "consultation_fee": 1}, "currency"),
        ({"course_price": 1, "course_sessions": 0}, "course_sessions"),
        ({"sessions_low": 9}, "sessions_low"),
        ({"sessions_low": 0}, "sessions_low"),
        ({"consultation_fee": -1}, "consultation_fee"),
    ],
    Clinic: [
        ({"place_id": None}, "status"),
        ({"facility_type": ""}, "status"),
        ({"latitude": 91}, "latitude"),
        ({"longitude": -181}, "latitude"),
    ],
}

# Half of a pair, which the tables let pass: nothing is unequal to nothing.
HALF_EMPTY = {
    Offer: [
        ({"price_low": None}, "price_low"),
        ({"course_price": 1}, "course_sessions"),
        ({"course_sessions": 3}, "course_sessions"),
        ({"sessions_high": None}, "sessions_low"),
    ],
    Clinic: [({"latitude": None}, "latitude")],
}


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Offer, Clinic])
def test_what_the_tables_refuse_is_refused_before(offer, model):
    constraints = {one.name for one in model._meta.constraints if hasattr(one, "condition")}
    assert set(RULES[model]) == constraints - {"offer_once_a_label"}

    def changed(values):
        row = model.objects.get()
        for name, value in values.items():
            setattr(row, name, value)
        return row

    for values in FINE[model]:
        assert broken_rules(changed(values)) == []
        with transaction.atomic():
            changed(values).save()
            transaction.set_rollback(True)
    for values, column in WRONG[model]:
        assert [name for name, _message in broken_rules(changed(values))] == [column]
        with pytest.raises(IntegrityError), transaction.atomic():
            changed(values).save()
    for values, column in HALF_EMPTY[model]:
        assert [name for name, _message in broken_rules(changed(values))] == [column]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "cell", "text"),
    [
        ("phone", "0199001234", None),
        ("email", "two@a.example, b@b.example", None),
        ("website", "aurora.example", "https://aurora.example"),
        ("latitude", "48.8", "48.80000"),
        ("latitude", "48,853", None),
        ("latitude", "nan", None),
        ("confirmed_on", "31.3.2026", "2026-03-31"),
        ("confirmed_on", "03/31/2026", None),
        ("confirmed_on", "2026-02-30", None),
        ("is_sample", "TRUE", "yes"),
        ("opening_hours", "Mo 9-17", None),
        ("opening_hours", "mo-tu 9:00-17:00; We 9:00-17:00", "Mo-We 09:00-17:00"),
        ("name", "", None),
        ("name", "a" * 151, None),
        ("description", "a\x00\x01b\r\nc ", "ab\nc"),
    ],
)
def test_a_cell_means_one_thing_or_is_refused(editor, column, cell, text):
    read = CLINICS.by_name[column].read
    if text is None:
        with pytest.raises(ValidationError):
            read(cell, Known(editor))
    else:
        assert read(cell, Known(editor)) == text
        assert read(text, Known(editor)) == text


# --- What was shown is what is done


@pytest.mark.django_db
def test_a_row_that_changed_after_the_check_is_not_overwritten(editor, offer):
    other = OfferFactory(clinic=offer.clinic, treatment=offer.treatment, currency=offer.currency)
    content = table(
        ["clinic", "treatment", "label", "price_low"],
        ["aurora", "mesolift", "small area", "90"],
        ["aurora", "mesolift", "", "80"],
        ["aurora", "mesolift", "new", ""],
    )
    first, second = checked(editor, "offers", content), checked(editor, "offers", content)
    Offer.objects.filter(pk=offer.pk).update(product="Water")
    OfferFactory(clinic=offer.clinic, treatment=offer.treatment, label="new")
    assert counts(imported(first, "all"))[0] == State.STOPPED
    assert "line 2" in first.problem
    assert set(Offer.objects.values_list("price_low", flat=True)) == {100}
    imported(second, "good")
    offer.refresh_from_db()
    other.refresh_from_db()
    assert (offer.price_low, other.price_low) == (100, 80)
    outcomes = dict(second.lines.values_list("number", "outcome"))
    assert outcomes == {2: "refused", 3: "written", 4: "refused"}


@pytest.mark.django_db
def test_the_import_does_what_the_check_showed_and_a_second_one_nothing(editor, offer):
    CurrencyFactory(code="CHF")
    content = table(
        OFFERS.header,
        ["aurora", "mesolift", "small area", "chin", "1", "2", "chf", "ml", "1", "2", "9", "3",
         "share", "5", "local", "'=x", ""],
        ["aurora", "mesolift", "two", "", "", "", "", "", "", "", "", "", "", "", "", "", ""],
    )  # fmt: skip
    job = checked(editor, "offers", content)
    shown = {tuple(line.key): line.changes for line in job.lines.all()}
    before = {tuple(cells.values())[:3]: cells for cells in stored()[0][1]}
    imported(job)
    for cells in stored()[0][1]:
        key = tuple(cells.values())[:3]
        expected = dict(before.get(key, {**cells, "unit": "session"}))
        for column, was, becomes in shown[key]:
            assert before.get(key, {}).get(column, "") == was
            expected[column] = becomes
        assert cells == expected
    assert counts(checked(editor, "offers", content)) == (State.CHECKED, 0, 0, 2, 0)


@pytest.mark.django_db
def test_the_import_of_random_rows_does_what_the_check_showed_and_tells_the_history(
    editor, monkeypatch
):
    monkeypatch.setattr(bulk_work, "BATCH", 90)
    for code in ("fr", "de", "zh-Hant"):
        LanguageFactory(code=code)
    draw = random.Random(7)
    header = ["slug", "name", "phone", "email", "languages", "opening_hours", "description"]
    values = {
        "name": ["Aurora", "Boreal", "Ciel"],
        "phone": ["", "+33 1 99 00 12 34", "+49 30 23125000"],
        "email": ["", "desk@aurora.example", "no address"],
        "languages": ["", "de", "fr, zh-Hant", "de, fr"],
        "opening_hours": ["", "Mo-Fr 09:00-17:00", "Mo 09:00-12:00,13:00-17:00; Sa 10:00-12:00"],
        "description": ["", "Two rooms.", "Two rooms.\nA lift.", "A guaranteed result."],
    }

    def rows(numbers, good=None):
        """Rows of a file; `good` leaves out values that are refused."""
        choices = {name: found[:good] for name, found in values.items()}
        return [[f"c{n}", *(draw.choice(choices[name]) for name in header[1:])] for n in numbers]

    first = checked(editor, "clinics", table(header, *rows(range(120), good=2)))
    assert counts(imported(first)) == (State.DONE, 120, 0, 0, 0)
    # As if most of them had been stored before there was a history.
    OpeningHours.history.all().delete()
    Clinic.history.exclude(slug__endswith="3").delete()
    content = table(header, *rows(range(30, 280)))
    before = {cells["slug"]: cells for cells in stored()[0][0]}
    spans = dict(OpeningHours.objects.values_list("pk", "clinic__slug"))
    job = checked(editor, "clinics", content)
    assert min(job.new, job.changed, job.refused) > 40
    lines = {line.key[0]: line for line in job.lines.all()}
    imported(job, "good")
    after = {cells["slug"]: cells for cells in stored()[0][0]}
    assert job.state == State.DONE
    assert not job.lines.filter(outcome="refused").exists()
    written = {key: line for key, line in lines.items() if line.result != "refused"}
    assert set(after) == set(before) | set(written)
    gone = {pk for pk in spans if not OpeningHours.objects.filter(pk=pk).exists()}
    why = "Imported from prices.csv."
    for slug, cells in after.items():
        line, was = written.get(slug), before.get(slug)
        versions = list(Clinic.history.filter(slug=slug).order_by("history_id"))
        if line is None:
            assert cells == was
            assert all(version.history_type == "+" for version in versions)
            continue
        changed = {column: (old, new) for column, old, new in line.changes}
        for name, text in cells.items():
            if name in changed:
                assert ((was or {}).get(name, ""), text) == changed[name]
            else:
                assert was is None or text == was[name]
        kinds = "".join(version.history_type for version in versions)
        if line.result == "new":
            assert kinds == "+"
        else:
            known = "+" if slug.endswith("3") else "="
            assert kinds == known + ("~" if set(changed) - {"opening_hours"} else "")
            assert (versions[0].phone, versions[0].name) == (was["phone"], was["name"])
            assert languages_of(versions[0]) == was["languages"]
        if kinds != "=":
            assert versions[-1].history_change_reason == why
            assert versions[-1].phone == cells["phone"]
            assert languages_of(versions[-1]) == cells["languages"]
    assert {
        kind: set(OpeningHours.history.filter(history_type=kind).values_list("id", flat=True))
        for kind in "-="
    } == {"-": gone, "=": gone}
    assert gone
    made = OpeningHours.history.filter(history_type="+")
    now = set(OpeningHours.objects.values_list("pk", flat=True))
    assert set(made.values_list("id", flat=True)) == now - set(spans)
    assert set(made.values_list("history_change_reason", flat=True)) == {why}
    again = checked(editor, "clinics", content)
    assert (again.new, again.changed, again.refused) == (0, 0, job.refused)


def languages_of(version) -> str:
    """What a version says of languages, as a cell."""
    return ", ".join(sorted(version.languages.values_list("language_id", flat=True)))


@pytest.mark.django_db
def test_all_or_nothing_leaves_nothing_when_the_last_batch_fails(editor, offer, monkeypatch):
    monkeypatch.setattr(bulk_work, "BATCH", 1)
    job = checked(
        editor,
        "offers",
        table(
            ["clinic", "treatment", "label", "price_low"],
            ["aurora", "mesolift", "new", ""],
            ["aurora", "mesolift", "small area", "90"],
        ),
    )
    Offer.objects.filter(pk=offer.pk).update(product="Water")
    imported(job, "all")
    assert job.state == State.STOPPED
    assert Offer.objects.count() == 1
    assert not job.lines.exclude(outcome="").exists()


@pytest.mark.django_db
def test_a_worker_that_was_killed_is_followed_by_another(editor, offer, monkeypatch):
    monkeypatch.setattr(bulk_work, "BATCH", 1)
    content = table(
        ["clinic", "treatment", "label"], *(["aurora", "mesolift", f"n{n}"] for n in range(4))
    )
    job = checked(editor, "offers", content)
    assert start_import(job, "good")
    told = iter([False, True])
    with pytest.raises(bulk_work.Stopped):
        work_on(take_next(), should_stop=lambda: next(told))
    assert Offer.objects.exclude(pk=offer.pk).count() == 2
    later = timezone.now() + bulk_work.LEASE * 2
    # One that holds a lease is not taken by somebody else.
    assert take_next() is not None
    assert take_next() is None
    work_on(take_next(now=later))
    job.refresh_from_db()
    assert job.state == State.DONE
    assert Offer.objects.exclude(pk=offer.pk).count() == 4


@pytest.mark.django_db
def test_a_long_file_waits_for_run_jobs_and_old_ones_go(client, editor, offer, monkeypatch):
    monkeypatch.setattr(bulk_work, "SHORT_FILE", 10)
    client.force_login(editor)
    content = table(["clinic", "treatment", "label", "price_low"], ["aurora", "mesolift", "", "1"])
    client.post(ADD, {"sheet": "offers", "file": SimpleUploadedFile("x.csv", content)})
    job = BulkImport.objects.get()
    page = f"/admin/clinics/bulkimport/{job.pk}/change/"
    assert job.state == State.WAITING
    assert "<progress" in client.get(page).content.decode()
    answer = client.get(f"/admin/clinics/bulkimport/{job.pk}/progress/")
    assert answer.json() == {"state": "waiting", "share": None}
    call_command("run_jobs", once=True, verbosity=0)
    job.refresh_from_db()
    assert job.state == State.CHECKED
    path = path_of(job)
    assert path.stat().st_mode & 0o077 == 0
    BulkImport.objects.update(created_at=timezone.now() - bulk_work.KEPT)
    call_command("run_jobs", once=True, verbosity=0)
    assert not path.exists()
    assert (BulkImport.objects.count(), BulkLine.objects.count()) == (0, 0)


# --- Clinic staff


@pytest.mark.django_db
def test_a_rivals_key_and_a_missing_one_read_the_same(staff, offer):
    rival = OfferFactory(clinic__slug="rival", clinic__name="Rival", product="rivalcanary")
    before = stored()
    cells = [rival.treatment.slug, "", "1"]
    job = checked(
        staff,
        "offers",
        table(["clinic", "treatment", "label", "price_low"], ["rival", *cells], ["no", *cells]),
    )
    assert [message for _line, _column, message in problems(job)] == [
        "None of your clinics has this key."
    ] * 2
    assert [(line.seen, line.changes) for line in job.lines.all()] == [("", []), ("", [])]
    job = checked(staff, "clinics", table(["slug", "phone"], ["rival", ""], ["no", ""]))
    assert {message for *_where, message in problems(job)} == {"None of your clinics has this key."}
    # Other names for the same row.
    for column in ("id", "pk", "clinic_id"):
        content = table(["clinic", "treatment", "label", column], ["aurora", *cells[:2], rival.pk])
        assert checked(staff, "offers", content).state == State.REFUSED
    assert stored() == before
    assert not Proposal.objects.exists()


@pytest.mark.django_db
def test_what_staff_import_waits_for_review_and_contact_is_public_at_once(staff, editor, offer):
    clinic = offer.clinic
    job = checked(
        staff,
        "clinics",
        table(
            ["slug", "name", "phone", "description", "status", "languages"],
            ["aurora", "Aurora", "+33 1 99 00 55 55", "Three rooms.", "published", "fr"],
        ),
    )
    imported(job)
    clinic.refresh_from_db()
    assert clinic.phone == "+33 1 99 00 55 55"
    assert clinic.description.startswith("Two rooms.")
    assert [language.pk for language in clinic.languages.all()] == ["fr"]
    assert Proposal.objects.get().proposed == {"description": "Three rooms."}

    before = stored()
    content = table(
        ["clinic", "treatment", "label", "price_low", "price_high", "currency"],
        ["aurora", "mesolift", "small area", "90", "150", "EUR"],
        ["aurora", "mesolift", "large", "200", "200", "EUR"],
    )
    job = checked(staff, "offers", content)
    assert counts(job) == (State.CHECKED, 1, 1, 0, 0)
    imported(job)
    assert stored() == before
    change, addition = Proposal.objects.filter(subject="offer").order_by("kind").reverse()[:2]
    assert {change.kind, addition.kind} == {"change", "add"}
    assert {change.origin, addition.origin} == {"prices.csv"}
    assert set(job.lines.values_list("outcome", flat=True)) == {"sent"}
    # Again, while it waits: there is nothing to send.
    assert counts(checked(staff, "offers", content)) == (State.CHECKED, 0, 0, 2, 0)
    for one in (change, addition):
        approve(one, editor)
    assert set(Offer.objects.values_list("label", "price_low")) == {
        ("small area", 90),
        ("large", 200),
    }
    assert counts(checked(staff, "offers", content)) == (State.CHECKED, 0, 0, 2, 0)


@pytest.mark.django_db
def test_an_export_that_comes_back_takes_back_nothing_that_waits(staff, offer):
    content = exported(OFFERS, staff)
    header = ["clinic", "treatment", "label", "price_low"]
    imported(checked(staff, "offers", table(header, ["aurora", "mesolift", "small area", "90"])))
    assert counts(checked(staff, "offers", content)) == (State.CHECKED, 0, 0, 1, 0)
    assert Proposal.objects.get().status == Proposal.Status.WAITING


@pytest.mark.django_db
def test_staff_cannot_change_what_editors_decide(staff, offer):
    before = stored()
    job = checked(
        staff,
        "clinics",
        table(
            ["slug", "name", "status", "place", "confirmed_on"],
            ["aurora", "Best", "suspended", "", "2026-01-01"],
            ["another", "Mine", "", "", ""],
        ),
    )
    assert [(line, column) for line, column, _ in problems(job)] == [
        *((2, "name"), (2, "status"), (2, "place"), (2, "confirmed_on"), (3, "slug")),
    ]
    header = ["clinic", "treatment", "label", "price_confirmed_on"]
    row = ["aurora", "mesolift", "small area", "2026-01-01"]
    assert problems(checked(staff, "offers", table(header, row)))[0][:2] == (2, header[3])
    assert stored() == before


@pytest.mark.django_db
def test_who_left_the_clinic_after_the_check_imports_nothing(staff, offer):
    job = checked(staff, "clinics", table(["slug", "phone"], ["aurora", ""]))
    staff.memberships.all().delete()
    before = stored()
    assert imported(job, "good").state == State.DONE
    assert job.lines.get().remark == "None of your clinics has this key."
    demoted = checked(EditorFactory(), "clinics", table(["slug", "phone"], ["aurora", ""]))
    demoted.user.is_superuser = False
    demoted.user.save()
    assert imported(demoted).state == State.STOPPED
    assert stored() == before


@pytest.mark.django_db
def test_somebody_elses_import_does_not_exist(client, staff, editor, offer):
    job = checked(editor, "clinics", table(["slug", "phone"], ["aurora", ""]))
    for user in (staff, EditorFactory()):
        client.force_login(user)
        for way in ("change", "progress", "report", "delete", "history"):
            for method in (client.get, client.post):
                told = [
                    method(f"/admin/clinics/bulkimport/{key}/{way}/", {"_all": "1"})
                    for key in (job.pk, 987_654)
                ]
                assert len({answer.status_code for answer in told}) == 1
                assert b"prices.csv" not in told[0].content
        assert "prices.csv" not in client.get("/admin/clinics/bulkimport/").content.decode()
    job.refresh_from_db()
    assert job.state == State.CHECKED


# --- Files that mean harm, or were saved by another program


def file_of(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    return path


def read(path) -> list:
    with open_rows(path, OFFERS.header) as file:
        return [file.header, *[row.cells for row in file.rows]]


@pytest.mark.parametrize(
    "content",
    [
        "clinic,label\naurora,Été\n".encode("utf-8-sig"),
        "clinic;label\r\naurora;Été\r\n".encode("cp1252"),
        "clinic\tlabel\naurora\tÉté\n".encode("utf-16"),
        'CLINIC , "label"\raurora,"Été"\r'.encode(),
    ],
)
def test_csv_of_any_spreadsheet_is_understood(tmp_path, content):
    assert read(file_of(tmp_path, content)) == [["clinic", "label"], ["aurora", "Été"]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "first line"),
        (b"name of the house,price\na,1\n", "none of our columns"),
        (b"clinic,label\n" + b"," * 10_000_000, "too long"),
        (b'clinic,label\n"never closed\n' + b"a,b\n" * 60_000, "too long"),
        (b'clinic,label\n"a"b,c\n', "line 2"),
        (b"clinic,label\n\x81\x8d\n", "after line"),
        (b"clinic" + b",x" * 100, "more than 60 columns"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old or a locked Excel"),
        (b"PK\x03\x04 and nothing more", "damaged"),
    ],
    # Not the file itself, which has ten million letters.
    ids=lambda value: value if isinstance(value, str) else value[:12].hex(),
)
def test_a_file_that_cannot_be_read_is_refused_in_words(tmp_path, content, words):
    with pytest.raises(FileRefused, match=words):
        read(file_of(tmp_path, content))


def workbook(tmp_path, **parts) -> zipfile.Path:
    """An XLSX of one row of offers in which some parts are other ones."""
    made = openpyxl.Workbook()
    made.active.append(["clinic", "label"])
    made.active.append(["aurora", "small"])
    kept = io.BytesIO()
    made.save(kept)
    path = tmp_path / "file"
    with zipfile.ZipFile(kept) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as to:
        for name in source.namelist():
            to.writestr(name, parts.pop(name, source.read(name)))
        for name, content in parts.items():
            to.writestr(name, content)
    return path


SHEET = "xl/worksheets/sheet1.xml"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def test_bombs_are_refused_before_they_are_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(bulk_files, "LARGEST_UNPACKED", 1_000_000)
    monkeypatch.setattr(bulk_files, "LARGEST_TEXTS", 500_000)
    opened = []
    monkeypatch.setattr(bulk_files, "load_workbook", lambda *_, **__: opened.append(1))
    for parts in (
        {"xl/worksheets/sheet2.xml": b"0" * 1_100_000},
        {"xl/sharedStrings.xml": b"0" * 600_000},
        {f"xl/media/{number}": b"" for number in range(201)},
    ):
        with pytest.raises(FileRefused, match="too large when unpacked"):
            read(workbook(tmp_path, **parts))
    assert opened == []


def test_entities_are_not_expanded_and_nothing_is_fetched(tmp_path):
    for entity in (
        '"' + "ha" * 10 + '"',
        'SYSTEM "file:///etc/passwd"',
        'SYSTEM "http://a.example"',
    ):
        content = (
            f'<!DOCTYPE x [<!ENTITY e {entity}>]><worksheet {MAIN}><sheetData><row><c t="str">'
            '<v>clinic</v></c><c t="str"><v>&e;</v></c></row></sheetData></worksheet>'
        )
        with pytest.raises(FileRefused, match="damaged"):
            read(workbook(tmp_path, **{SHEET: content}))


def test_a_sheet_that_lies_about_its_size_costs_only_what_is_in_it(tmp_path):
    content = (
        f'<worksheet {MAIN}><dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1" '
        't="str"><v>clinic</v></c></row><row r="3"><c r="A3" t="str"><v>aurora</v></c></row>'
        "</sheetData></worksheet>"
    )
    path = workbook(tmp_path, **{SHEET: content})
    with open_rows(path, OFFERS.header) as file:
        assert [(row.line, row.cells) for row in file.rows] == [(3, ["aurora"])]


def test_formulas_in_cells_are_refused_and_numbers_are_as_typed(tmp_path):
    made = openpyxl.Workbook()
    made.active.append(["clinic", "price_low", "price_high", "price_confirmed_on"])
    made.active.append(["aurora", "=1+1", 120.5, datetime.datetime(2026, 3, 31)])  # noqa: DTZ001
    made.active.append(["aurora", 3, 0.1 + 0.2, datetime.date(2026, 3, 31)])
    made.save(tmp_path / "file")
    with open_rows(tmp_path / "file", OFFERS.header) as file:
        first, second = file.rows
    assert first.cells == ["aurora", "", "120.5", "2026-03-31"]
    assert first.problems == {1: "There is a formula in this cell. Write its result."}
    assert second.cells == ["aurora", "3", "0.3", "2026-03-31"]


@pytest.mark.django_db
def test_rows_are_counted_and_a_file_of_too_many_is_refused(editor, offer, monkeypatch):
    monkeypatch.setattr(bulk_files, "MOST_ROWS", 2)
    rows = [["aurora", "mesolift", f"{number}"] for number in range(3)]
    job = checked(editor, "offers", table(["clinic", "treatment", "label"], *rows))
    assert (job.state, job.lines.count()) == (State.REFUSED, 0)


@pytest.mark.django_db
def test_a_file_that_is_refused_says_so_beside_the_field_and_is_not_kept(client, editor):
    client.force_login(editor)
    for content, words in (
        (b"clinic,treatment,label,prise\n", "We have no columns of these names: prise."),
        (b"clinic,label\na,b\n", "These columns are missing, which name the row: treatment."),
        (b"clinic,treatment,label,label\n", "These columns come twice: label."),
        (b"clinic,treatment,label\n", "There is no row below"),
        (b"<html>", "none of our columns"),
    ):
        file = SimpleUploadedFile("../../x.csv", content)
        response = client.post(ADD, {"sheet": "offers", "file": file})
        assert words in response.content.decode()
    assert not BulkImport.objects.exists()
    assert client.post(ADD, {"sheet": "users"}).status_code == 200
    assert client.get(ADD).status_code == 200
    assert client.get("/admin/clinics/bulkimport/columns/").status_code == 200


@pytest.mark.django_db
def test_the_pages_of_a_file_and_its_report(client, editor, offer):
    client.force_login(editor)
    content = table(
        ["clinic", "treatment", "label", "product"],
        ["aurora", "mesolift", "small area", "<b>Water</b>"],
        ["no", "mesolift", "=1", ""],
    )
    response = client.post(
        ADD, {"sheet": "offers", "file": SimpleUploadedFile("x.csv", content)}, follow=True
    )
    page = response.content.decode()
    assert "&lt;b&gt;Water&lt;/b&gt;" in page
    assert "Import the 1 row without errors" in page
    address = response.redirect_chain[-1][0]
    for query in ("?show=refused", "?show=changed", "?show=x&p=99", "?p=a"):
        assert client.get(address + query).status_code == 200
    report = b"".join(client.get(address.replace("change", "report"))).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(report)))
    assert [(line["line"], line["column"]) for line in lines] == [("2", "product"), ("3", "clinic")]
    client.post(address, {"_good": "1"})
    assert "imported" in client.get(address).content.decode()
    assert Offer.objects.get().product == "<b>Water</b>"
    client.post(address, {"_all": "1"})
    client.post(address, {"_forget": "1"})
    assert not BulkImport.objects.exists()


@pytest.mark.django_db
def test_the_list_of_imports_costs_the_same_for_one_and_for_three(
    client, editor, offer, django_assert_max_num_queries
):
    client.force_login(editor)
    for number in (1, 3):
        while BulkImport.objects.count() < number:
            job = checked(editor, "clinics", table(["slug", "phone"], ["aurora", ""]))
        with django_assert_max_num_queries(7):
            page = client.get("/admin/clinics/bulkimport/").content.decode()
        assert page.count(">prices.csv<") == number
    assert client.get(f"/admin/clinics/bulkimport/{job.pk}/history/").status_code == 200
    assert client.get(f"/admin/clinics/bulkimport/{job.pk}/delete/").status_code == 403


@pytest.mark.django_db
def test_a_check_asks_as_much_for_one_row_as_for_many(
    editor, offer, django_assert_num_queries, django_assert_max_num_queries
):
    def job_of(count):
        rows = (["aurora", "mesolift", f"{count} {number}", "chin"] for number in range(count))
        content = table(["clinic", "treatment", "label", "body_areas"], *rows)
        job = keep(SimpleUploadedFile("x.csv", content), user=editor, sheet="offers")
        return take_next(only=job.pk)

    # Django asks once, whoever comes first.
    ContentType.objects.get_for_model(Offer)
    few, many = job_of(2), job_of(40)
    with django_assert_max_num_queries(18) as asked:
        work_on(few)
    with django_assert_num_queries(len(asked)):
        work_on(many)
    for job in (few, many):
        assert start_import(job, "good")
    few, many = take_next(only=few.pk), take_next(only=many.pk)
    with django_assert_max_num_queries(40) as asked:
        work_on(few)
    with django_assert_num_queries(len(asked)):
        work_on(many)
    assert Offer.objects.count() == 43


@pytest.mark.django_db
def test_an_import_asks_as_much_for_five_clinics_as_for_forty(
    editor, django_assert_num_queries, django_assert_max_num_queries
):
    # Django asks once, whoever comes first.
    ContentType.objects.get_for_model(Clinic)
    for code in ("fr", "de"):
        LanguageFactory(code=code)
    header = ["slug", "name", "phone", "languages", "opening_hours", "description"]

    def job_of(count, *cells):
        rows = ([f"c{count}-{number}", f"Clinic {number}", *cells] for number in range(count))
        job = checked(editor, "clinics", table(header, *rows))
        assert start_import(job, "good")
        return take_next(only=job.pk)

    for cells, most in (
        (("", "fr", "Mo-Fr 09:00-17:00", "A lift."), 40),
        (("+33 1 99 00 12 34", "de", "Mo-Sa 10:00-19:00", "Two rooms."), 45),
    ):
        few, many = job_of(5, *cells), job_of(40, *cells)
        with django_assert_max_num_queries(most) as asked:
            work_on(few)
        with django_assert_num_queries(len(asked)):
            work_on(many)
    assert OpeningHours.objects.count() == 45 * 6
