"""A confirmed check has something to show; the file is for editors, and leaves nothing behind."""

import hashlib
import os
import time
from io import BytesIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from clinics.evidence_files import MAX_BYTES, RefusedFile, delete_orphans, examine
from clinics.models import Check, CheckEvidence, Clinic
from tests.factories import (
    CheckEvidenceFactory,
    CheckFactory,
    ClinicFactory,
    EditorFactory,
    MembershipFactory,
    PractitionerFactory,
)

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.4\n1 0 obj\nendobj\n%%EOF\n"
ADD = "/admin/clinics/check/add/"


def picture(kind) -> bytes:
    content = BytesIO()
    Image.new("RGB", (8, 8)).save(content, kind)
    return content.getvalue()


def upload(content=PDF, name="letter.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def form(clinic, /, **changed) -> dict:
    """What an editor sends for a new check."""
    return {
        "clinic": clinic.pk,
        "practitioner": "",
        "kind": "licence",
        "scope": "Licence to practise in France",
        "register": "Register of tests",
        "number": "R-1",
        "link": "",
        "result": "confirmed",
        "checked_on": timezone.localdate().isoformat(),
        "expires_on": "",
        "evidence-TOTAL_FORMS": 0,
        "evidence-INITIAL_FORMS": 0,
    } | changed


def change(check) -> str:
    return f"/admin/clinics/check/{check.pk}/change/"


def file_of(evidence) -> str:
    return f"/admin/clinics/checkevidence/{evidence.pk}/file/"


def stored(settings) -> list:
    return sorted((settings.PRIVATE_ROOT / "evidence").glob("*"))


@pytest.fixture
def editor(client):
    """An editor, signed in."""
    user = EditorFactory()
    client.force_login(user)
    return user


@pytest.fixture
def clinic(db):
    """A published clinic."""
    return ClinicFactory()


# --- What a check needs


def test_confirmed_needs_a_link_or_a_file_and_says_so_beside_the_field(client, clinic, editor):
    page = client.post(ADD, form(clinic))
    assert "Give the link to the public register, or attach a file" in page.content.decode()
    assert "Licence to practise in France" in page.content.decode()
    assert not Check.objects.exists()
    for number, changed in enumerate(
        (
            {"link": "https://register.example/1"},
            {"evidence_file": upload()},
            {"result": "failed"},
        ),
        start=1,
    ):
        assert client.post(ADD, form(clinic, **changed)).status_code == 302
        assert Check.objects.count() == number


def test_checks_from_before_stay_and_a_change_of_one_asks(client, clinic, editor):
    check = CheckFactory(clinic=clinic)
    as_stored = {"scope": "", "number": "", "checked_on": check.checked_on.isoformat()}
    assert client.post(change(check), form(clinic, **as_stored)).status_code == 302
    assert client.post(change(check), form(clinic)).status_code == 200
    CheckEvidenceFactory(of_check=check)
    evidence = check.evidence.get()
    rows = {"evidence-TOTAL_FORMS": 1, "evidence-INITIAL_FORMS": 1, "evidence-0-id": evidence.pk}
    rows["evidence-0-of_check"] = check.pk
    assert client.post(change(check), form(clinic, **rows)).status_code == 302


def test_the_file_is_kept_as_sent_with_who_and_what(client, clinic, editor, settings):
    client.post(ADD, form(clinic, evidence_file=upload(name="../../My letter\u202e.html")))
    evidence = CheckEvidence.objects.get()
    assert (evidence.of_check, evidence.uploaded_by) == (Check.objects.get(), editor)
    assert (evidence.name, evidence.kind, evidence.size) == ("My letter.html", "pdf", len(PDF))
    assert evidence.sha256 == hashlib.sha256(PDF).hexdigest()
    [path] = stored(settings)
    assert path.read_bytes() == PDF
    assert path.suffix == ".pdf"
    assert "letter" not in path.name
    assert oct(path.stat().st_mode)[-3:] == "600"
    assert not settings.PRIVATE_ROOT.is_relative_to(settings.MEDIA_ROOT)


def test_a_file_can_be_added_on_the_clinics_own_page(client, clinic, editor):
    page = client.get(f"/admin/clinics/clinic/{clinic.pk}/change/").content.decode()
    assert 'name="checks-__prefix__-evidence_file"' in page
    client.force_login(MembershipFactory(clinic=clinic).user)
    CheckFactory(clinic=clinic)
    page = client.get(f"/admin/clinics/clinic/{clinic.pk}/change/").content.decode()
    assert '-evidence_file"' not in page
    assert "/admin/clinics/check/" not in page


# --- What is taken


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PDF, "pdf"), (picture("PNG"), "png"), (picture("JPEG"), "jpeg")],
)
def test_the_content_says_what_it_is(content, kind):
    assert examine(upload(content, "x.exe")).kind == kind


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"PK\x03\x04",
        PDF[:-6],
        picture("GIF"),
        b"\x89PNG\r\n\x1a\n",
        b"x" * (MAX_BYTES + 1),
    ],
    ids=["empty", "html", "svg", "zip", "cut pdf", "gif", "cut png", "too large"],
)
def test_anything_else_is_refused_and_leaves_nothing(client, clinic, editor, settings, content):
    with pytest.raises(RefusedFile):
        examine(upload(content, "letter.pdf"))
    page = client.post(ADD, form(clinic, evidence_file=upload(content)))
    assert page.status_code == 200
    assert "errorlist" in page.content.decode()
    assert (stored(settings), Check.objects.exists()) == ([], False)


# --- Who opens it


def test_an_editor_gets_it_as_a_download_and_that_is_noted(client, editor):
    evidence = CheckEvidenceFactory()
    answer = client.get(file_of(evidence))
    assert b"".join(answer.streaming_content).startswith(b"%PDF")
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert "no-store" in answer["Cache-Control"]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (editor, str(evidence.of_check_id))
    assert entry.change_message == "Opened the evidence “letter.pdf”."


def test_the_clinics_own_people_do_not_get_it_nor_learn_that_it_is_there(client, clinic):
    check = CheckFactory(clinic=clinic, practitioner=PractitionerFactory(clinic=clinic))
    evidence = CheckEvidenceFactory(of_check=check, name="canary.pdf")
    client.force_login(MembershipFactory(clinic=clinic).user)
    told = [
        client.get(path) for path in (file_of(evidence), "/admin/clinics/checkevidence/9/file/")
    ]
    assert [answer.status_code for answer in told] == [404, 404]
    for path in ("", "home/", "preview/", "change/"):
        page = client.get(f"/admin/clinics/clinic/{clinic.pk}/{path}", follow=True)
        assert "canary.pdf" not in page.content.decode()
    assert not LogEntry.objects.exists()
    client.logout()
    assert client.get(file_of(evidence))["Location"].startswith("/admin/login/")


def test_no_address_leads_to_the_file(client, editor, settings):
    evidence = CheckEvidenceFactory()
    name = evidence.file.name
    with pytest.raises(ValueError, match="no address"):
        _ = evidence.file.url
    assert client.get(f"{settings.MEDIA_URL}{name}").status_code == 404
    assert client.get(f"/{name}").status_code == 404


def test_a_file_that_is_gone_is_not_found(client, editor):
    evidence = CheckEvidenceFactory()
    evidence.file.storage.delete(evidence.file.name)
    assert client.get(file_of(evidence)).status_code == 404


# --- How it goes


@pytest.mark.parametrize("of", ["evidence", "check", "clinic"])
def test_it_goes_with_its_row_after_the_commit(settings, of, django_capture_on_commit_callbacks):
    evidence = CheckEvidenceFactory()
    row = {"evidence": evidence, "check": evidence.of_check, "clinic": evidence.of_check.clinic}[of]
    with django_capture_on_commit_callbacks(execute=True):
        row.delete()
        assert len(stored(settings)) == 1
    assert stored(settings) == []
    assert not CheckEvidence.objects.exists()


def test_an_editor_deletes_one_on_the_page_of_the_check(
    client, clinic, editor, settings, django_capture_on_commit_callbacks
):
    check = CheckFactory(clinic=clinic, link="https://register.example/1")
    evidence = CheckEvidenceFactory(of_check=check)
    rows = {
        "evidence-TOTAL_FORMS": 1,
        "evidence-INITIAL_FORMS": 1,
        "evidence-0-id": evidence.pk,
        "evidence-0-of_check": check.pk,
        "evidence-0-DELETE": "on",
    }
    assert file_of(evidence) in client.get(change(check)).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(change(check), form(clinic, link=check.link, **rows))
    assert (CheckEvidence.objects.exists(), stored(settings)) == (False, [])


def test_a_file_without_a_row_goes_after_a_day(settings):
    kept = CheckEvidenceFactory()
    folder = settings.PRIVATE_ROOT / "evidence"
    day_before = time.time() - 90_000
    os.utime(kept.file.path, (day_before, day_before))
    for name, when in (("old.pdf", day_before), ("new.pdf", time.time())):
        (folder / name).write_bytes(PDF)
        os.utime(folder / name, (when, when))
    assert delete_orphans() == 1
    assert {path.name for path in stored(settings)} == {"new.pdf", kept.file.name.split("/")[1]}


# --- What patients see


def test_patients_read_what_exactly_was_checked_and_nothing_of_the_file(client):
    check = CheckFactory(scope="Licence to practise in France")
    CheckEvidenceFactory(of_check=check, name="canary.pdf")
    page = client.get(Clinic.objects.get().get_absolute_url()).content.decode()
    assert "Licence to practise in France" in page
    assert "canary" not in page
