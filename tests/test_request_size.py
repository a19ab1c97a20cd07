"""What is too large is refused before a byte of it is read, whoever sends it and whatever for."""

import io
import re
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.middleware.csrf import get_token
from django.test import Client, RequestFactory

from clinics.bulk_files import LARGEST_FILE, MOST_ROWS
from clinics.models import Photo
from clinics.photo_decoder import MAX_BYTES
from tests.factories import ClinicFactory, EditorFactory, MembershipFactory
from treatments.films import MAX_BYTES as LARGEST_FILM

pytestmark = pytest.mark.django_db
MEGABYTE = 1024 * 1024
TEN_GIGABYTES = 10 * 1024 * MEGABYTE
ROOT = Path(__file__).parent.parent


class Body(io.BytesIO):
    """What somebody sends: a beginning, and the promise of more. Knows if it was read."""

    was_read = False

    def read(self, *size):
        self.was_read = True
        return super().read(*size)


@pytest.fixture
def clinic():
    """A clinic that patients see."""
    return ClinicFactory()


@pytest.fixture
def staff(clinic):
    """A browser in which somebody who works there is signed in; forms are checked (CSRF)."""
    return signed_in(MembershipFactory(clinic=clinic).user)


def signed_in(user) -> Client:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    with_cookie(browser)
    return browser


def with_cookie(browser) -> str:
    """Give a browser the cookie that forms are checked by; the token that goes with it."""
    request = RequestFactory().get("/")
    token = get_token(request)
    browser.cookies[site.CSRF_COOKIE_NAME] = request.META["CSRF_COOKIE"]
    return token


def send(browser, path, length, **more):
    """Send a form that says it has so many bytes; the answer, and whether it was read."""
    body = Body(b'--x\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n\r\n')
    sent = {
        "wsgi.input": body,
        "CONTENT_LENGTH": str(length),
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
    }
    return browser.generic("POST", path, **sent | more), body.was_read


def photos_of(clinic) -> str:
    return f"/admin/clinics/clinic/{clinic.pk}/photos/"


@pytest.mark.parametrize("length", [TEN_GIGABYTES, 160 * MEGABYTE + 1, 10**30])
def test_more_than_a_form_of_photos_is_refused_unread(staff, clinic, settings, tmp_path, length):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "temporary"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    answer, was_read = send(staff, photos_of(clinic), length)
    assert (answer.status_code, was_read) == (413, False)
    assert "at most 160 MB at a time" in answer.content.decode()
    assert list(settings.FILE_UPLOAD_TEMP_DIR.iterdir()) == []
    assert not Photo.objects.exists()


def test_a_form_of_photos_that_fits_is_read(staff, clinic):
    answer, was_read = send(staff, photos_of(clinic), 160 * MEGABYTE)
    assert was_read
    assert answer.status_code != 413


def test_who_is_not_signed_in_may_send_no_more_there_than_elsewhere(clinic):
    stranger = Client(enforce_csrf_checks=True)
    with_cookie(stranger)
    for path in (photos_of(clinic), "/admin/treatments/film/add/", "/admin/login/"):
        answer, was_read = send(stranger, path, 20 * MEGABYTE + 1)
        assert (answer.status_code, was_read) == (413, False)
        assert "at most 20 MB at a time" in answer.content.decode()


def test_forms_for_everybody_refuse_it_too(clinic):
    for path in (f"{clinic.get_absolute_url()}wrong/", f"{clinic.get_absolute_url()}claim/"):
        answer, was_read = send(Client(), path, TEN_GIGABYTES)
        assert (answer.status_code, was_read) == (413, False), path


def test_films_of_editors_are_larger(clinic):
    editor = signed_in(EditorFactory())
    told = [
        send(editor, path, length)[0].status_code == 413
        for path in ("/admin/treatments/film/add/", f"/admin/clinics/clinic/{clinic.pk}/change/")
        for length in (70 * MEGABYTE, 70 * MEGABYTE + 1, 20 * MEGABYTE)
    ]
    assert told == [False, True, False, True, True, False]


@pytest.mark.parametrize("length", ["", "-5", "many", "1e12"])
def test_a_body_without_a_length_is_read_by_nobody(staff, clinic, length):
    answer, was_read = send(staff, photos_of(clinic), length)
    assert answer.status_code in (400, 403)
    assert not was_read


def test_a_file_too_large_leaves_nothing_in_the_temporary_folder(
    clinic, client, settings, tmp_path
):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "temporary"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    client.force_login(MembershipFactory(clinic=clinic).user)
    file = SimpleUploadedFile("large.jpg", bytes(MAX_BYTES + 1))
    page = client.post(photos_of(clinic), {"photos": file}).content.decode()
    assert "large.jpg: This file is too large: a photo may have at most 15 MB." in page
    assert list(settings.FILE_UPLOAD_TEMP_DIR.iterdir()) == []


def test_lists_of_many_clinics_are_larger(staff):
    path = "/admin/clinics/bulkimport/add/"
    told = [send(staff, path, length)[0].status_code for length in (70 * MEGABYTE, 71 * MEGABYTE)]
    assert told[0] != 413
    assert told[1] == 413


def test_the_limits_let_through_what_the_pages_promise_and_are_those_of_the_web_server():
    photos, film, a_list = (
        site.LARGEST_REQUEST_OF[f"admin:{name}"]
        for name in ("clinics_clinic_photos", "treatments_film_change", "clinics_bulkimport_add")
    )
    assert photos > 10 * MAX_BYTES
    assert film == a_list > LARGEST_FILM
    assert a_list > LARGEST_FILE
    assert LARGEST_FILE > MOST_ROWS * 600
    told = re.findall(r"client_max_body_size (\d+)m;", (ROOT / "docs/deploy.md").read_text())
    assert [int(size) * MEGABYTE for size in told] == [site.LARGEST_REQUEST, film, photos]
