"""Photos of a clinic: who sees which when, what is left of the files, and the page in the admin.

What is taken of a file that was sent, and what refused, is in test_photos.py.
"""

import datetime
import io
import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.utils import timezone
from PIL import Image

from clinics.models import DiscardedPhoto, Photo, PhotosOfDay
from clinics.photo_keeping import MOST_A_DAY, MOST_PHOTOS, add_photo, sweep
from clinics.photo_making import LEASE, make_public, prepare_due, take_next
from clinics.photo_sizes import widths_of
from clinics.photos import RefusedPhoto
from tests.factories import ClinicFactory, MembershipFactory, PhotoFactory
from tests.parallel import in_threads, on_disk

pytestmark = pytest.mark.django_db
CANARY = "CANARY-52.5163-13.3777"
WORDS = {"alt_text": "The front door", "has_consent": True}
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def clinic():
    """A clinic that patients see."""
    return ClinicFactory(name="Own clinic")


@pytest.fixture
def staff(clinic, client):
    """Somebody who works there, signed in."""
    user = MembershipFactory(clinic=clinic).user
    client.force_login(user)
    return user


@pytest.fixture
def final(django_capture_on_commit_callbacks):
    """A context at whose end everything is committed."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def picture(size=(60, 40), name="door.jpg", form="JPEG", **options):
    """A file as it is sent: with the place where it was taken."""
    exif = Image.Exif()
    exif[0x010E] = CANARY
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 58.0), 3: "E", 4: (13.0, 22.0, 39.0)})
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, form, exif=exif.tobytes(), **options)
    assert CANARY.encode() in buffer.getvalue()
    return SimpleUploadedFile(name, buffer.getvalue())


def files_in(folder) -> list[str]:
    """The names of all files in a folder and below."""
    return sorted(path.name for path in Path(folder).rglob("*") if path.is_file())


def page_of(clinic) -> str:
    return f"/admin/clinics/clinic/{clinic.pk}/photos/"


def rows_of(clinic) -> dict:
    """What the form of the page sends back when nothing is changed."""
    form = {}
    for photo in Photo.objects.filter(clinic=clinic):
        key = f"photo-{photo.pk}"
        form |= {f"{key}-alt_text": photo.alt_text, f"{key}-position": photo.position}
        form |= {f"{key}-has_consent": "on"} if photo.has_consent else {}
    return form


def images_on(client, clinic) -> list[str]:
    """The <picture> elements that a patient gets."""
    html = client.get(clinic.get_absolute_url()).content.decode()
    return re.findall(r"<picture>.*?</picture>", html, re.DOTALL)


def public_photo(clinic, user, **options) -> Photo:
    """A photo that patients see in all sizes."""
    photo = add_photo(clinic.pk, picture(**options), user)
    Photo.objects.filter(pk=photo.pk).update(**WORDS)
    assert prepare_due().made == 1
    return Photo.objects.get(pk=photo.pk)


# --- From the clinic to the patient


def test_a_photo_goes_in_with_its_place_and_comes_out_clean(client, clinic, staff, settings):
    page = page_of(clinic)
    assert client.post(page, {"photos": picture((1700, 1200))}).status_code == 302
    photo = Photo.objects.get()
    assert files_in(settings.MEDIA_ROOT) == []
    assert files_in(settings.PRIVATE_ROOT) == [Path(photo.image.name).name]
    assert re.fullmatch(r"clinics/[0-9a-f]{32}\.jpg", photo.image.name)
    assert images_on(client, clinic) == []
    client.post(page, {f"photo-{photo.pk}-{k}": v for k, v in {**WORDS, "position": 1}.items()})
    assert images_on(client, clinic) == []
    call_command("run_jobs", "--once", verbosity=0)
    [shown] = images_on(client, clinic)
    stem = Path(photo.image.name).stem
    files = {path.name: path for path in (settings.MEDIA_ROOT / "clinics").iterdir()}
    assert sorted(files) == sorted(
        [f"{stem}.jpg"]
        + [f"{stem}-{width}.jpg" for width in (400, 800)]
        + [f"{stem}-{w}.{ending}" for w in (400, 800, 1600) for ending in ("avif", "webp")]
    )
    for path in [*files.values(), *settings.PRIVATE_ROOT.rglob("*.jpg")]:
        content = path.read_bytes()
        for trace in (CANARY.encode(), b"Exif", b"ICC_PROFILE", b"http://ns.adobe.com"):
            assert trace not in content
        with Image.open(path) as image:
            assert dict(image.getexif()) == {}
            assert {"exif", "xmp", "icc_profile", "comment"} & set(image.info) == set()
            assert image.width in (400, 800, 1600)
            assert image.format.lower() in (path.suffix[1:], "jpeg")
    assert re.findall(r'type="(.*?)"', shown) == ["image/avif", "image/webp"]
    addresses = re.findall(r"/media/clinics/(\S+) (\d+)w", shown)
    assert sorted(name for name, _width in addresses) == sorted(files)
    assert [int(width) for _name, width in addresses] == [400, 800, 1600] * 3
    assert 'width="1600" height="1129"' in shown
    assert 'alt="The front door"' in shown
    assert 'loading="lazy"' in shown


@pytest.mark.parametrize(
    ("width", "widths"),
    [
        (3, [3]),
        (400, [400]),
        (401, [400, 401]),
        (1200, [400, 800, 1200]),
        (1600, [400, 800, 1600]),
    ],
)
def test_nothing_is_made_wider_than_it_is(width, widths):
    assert widths_of(width) == widths


@pytest.mark.parametrize("missing", [{"alt_text": ""}, {"has_consent": False}])
def test_a_photo_without_words_or_consent_is_a_draft(client, clinic, staff, settings, missing):
    photo = add_photo(clinic.pk, picture(), staff)
    Photo.objects.filter(pk=photo.pk).update(**(WORDS | missing))
    assert prepare_due().made == 0
    assert files_in(settings.MEDIA_ROOT) == []
    assert images_on(client, clinic) == []
    # Even with its files there, as they are for a moment after the consent is withdrawn.
    Photo.objects.filter(pk=photo.pk).update(state=Photo.State.READY)
    assert images_on(client, clinic) == []


def test_who_withdraws_consent_is_gone_at_once_and_may_come_back(
    client, clinic, staff, settings, final
):
    photo = public_photo(clinic, staff)
    form = rows_of(clinic)
    del form[f"photo-{photo.pk}-has_consent"]
    with final():
        assert client.post(page_of(clinic), form).status_code == 302
    assert files_in(settings.MEDIA_ROOT) == []
    assert images_on(client, clinic) == []
    client.post(page_of(clinic), form | {f"photo-{photo.pk}-has_consent": "on"})
    prepare_due()
    assert len(images_on(client, clinic)) == 1
    assert len(files_in(settings.MEDIA_ROOT)) == 3


def test_what_is_changed_past_the_page_is_seen_by_the_next_round(clinic, staff, settings):
    photo = public_photo(clinic, staff)
    Photo.objects.filter(pk=photo.pk).update(has_consent=False)
    assert prepare_due().taken_off == 1
    assert files_in(settings.MEDIA_ROOT) == []
    assert prepare_due().taken_off == 0


def test_a_photo_from_before_there_were_sizes_stays_and_gets_them(client, clinic, settings):
    PhotoFactory(clinic=clinic, alt_text="Old", image__width=500, image__format="JPEG")
    [before] = images_on(client, clinic)
    assert "<source" not in before
    assert before.count(" 500w") == 1
    assert prepare_due().made == 1
    [after] = images_on(client, clinic)
    assert after.count(" 500w") == after.count(" 400w") == 3
    assert len(files_in(settings.MEDIA_ROOT)) == 6


# --- Nothing is left behind


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"GIF89a/*" + bytes(20), "This is not a JPEG, PNG or WebP picture."),
        (picture((900, 900)).read()[:-2000], "This picture is damaged or incomplete."),
    ],
)
def test_a_refused_photo_says_why_and_leaves_nothing(client, clinic, settings, content, sentence):
    good, bad = picture(), SimpleUploadedFile("<b>me.jpg", content)
    response = client.post(page_of(clinic), {"photos": [bad, good]})
    html = response.content.decode()
    assert f"&lt;b&gt;me.jpg: {sentence}" in html
    assert html.count('class="photo-row"') == 1
    kept = Photo.objects.get()
    assert files_in(settings.PRIVATE_ROOT) == [Path(kept.image.name).name]
    assert not DiscardedPhoto.objects.exists()


def test_before_a_file_is_written_it_is_written_down_for_the_sweep(clinic, staff, settings):
    """So that a process which is killed at any moment leaves nothing that nobody knows."""

    class Watched(SimpleUploadedFile):
        names = ()

        def read(self, *args):
            self.names = list(DiscardedPhoto.objects.values_list("image", flat=True))
            return super().read(*args)

    sent = Watched("door.jpg", picture().read())
    photo = add_photo(clinic.pk, sent, staff)
    assert sent.names == [photo.image.name]
    # As if it had been killed after the file and before the row.
    DiscardedPhoto.objects.create(image=photo.image.name)
    Photo.objects.filter(pk=photo.pk)._raw_delete("default")
    assert sweep() == 0
    assert len(files_in(settings.PRIVATE_ROOT)) == 1
    assert sweep(timezone.now() + 2 * HOUR) == 1
    assert files_in(settings.PRIVATE_ROOT) == []
    assert not DiscardedPhoto.objects.exists()


def test_a_worker_that_was_killed_half_way_is_followed_by_another(clinic, staff, settings):
    photo = add_photo(clinic.pk, picture((900, 20)), staff)
    Photo.objects.filter(pk=photo.pk).update(**WORDS)
    taken = take_next(timezone.now())
    assert taken == photo
    folder = settings.MEDIA_ROOT / "clinics"
    folder.mkdir(parents=True)
    stem = Path(photo.image.name).stem
    (folder / f"{stem}-400.avif").write_bytes(b"whole")
    (folder / f"{stem}-400.webp.part").write_bytes(b"half")
    assert prepare_due().made == 0
    assert prepare_due(timezone.now() + LEASE + LEASE).made == 1
    assert len(files_in(folder)) == 9
    assert not [name for name in files_in(folder) if name.endswith(".part")]
    with Image.open(folder / f"{stem}-400.avif") as image:
        assert image.width == 400


def test_consent_withdrawn_from_a_killed_worker_leaves_nothing_public(clinic, staff, settings):
    photo = add_photo(clinic.pk, picture(), staff)
    Photo.objects.filter(pk=photo.pk).update(**WORDS)
    take_next(timezone.now())
    (settings.MEDIA_ROOT / "clinics").mkdir(parents=True)
    (settings.MEDIA_ROOT / photo.image.name).write_bytes(b"whole")
    Photo.objects.filter(pk=photo.pk).update(has_consent=False)
    prepare_due(timezone.now() + LEASE + LEASE)
    assert files_in(settings.MEDIA_ROOT) == []


def test_a_photo_that_is_deleted_while_it_is_made_leaves_nothing(clinic, staff, settings, final):
    photo = add_photo(clinic.pk, picture(), staff)
    Photo.objects.filter(pk=photo.pk).update(**WORDS)
    taken = take_next(timezone.now())
    private = settings.PRIVATE_ROOT / "photos" / Path(photo.image.name).name
    content = private.read_bytes()
    with final():
        Photo.objects.get(pk=photo.pk).delete()
    assert files_in(settings.PRIVATE_ROOT) == []
    # The worker had opened it before.
    private.write_bytes(content)
    make_public(taken)
    assert files_in(settings.MEDIA_ROOT) == files_in(settings.PRIVATE_ROOT) == []


def test_a_worker_killed_after_the_photo_was_deleted_is_swept_up(clinic, staff, settings, final):
    photo = public_photo(clinic, staff)
    with final():
        Photo.objects.get(pk=photo.pk).delete()
    assert files_in(settings.MEDIA_ROOT) == []
    (settings.MEDIA_ROOT / photo.image.name).write_bytes(b"late")
    sweep(timezone.now() + 2 * HOUR)
    assert files_in(settings.MEDIA_ROOT) == files_in(settings.PRIVATE_ROOT) == []


def test_a_photo_that_cannot_be_made_is_told_to_the_clinic(client, clinic, staff, settings):
    photo = add_photo(clinic.pk, picture(), staff)
    Photo.objects.filter(pk=photo.pk).update(**WORDS)
    private = settings.PRIVATE_ROOT / photo.image.name.replace("clinics/", "photos/")
    content = private.read_bytes()
    private.write_bytes(b"no picture any more")
    for attempt in range(1, 5):
        failed = prepare_due(timezone.now() + attempt * HOUR).failed
        assert failed == (1 if attempt < 4 else 0)
    html = client.get(page_of(clinic)).content.decode()
    assert "It could not be prepared, so patients do not see it." in html
    assert files_in(settings.MEDIA_ROOT) == []
    private.write_bytes(content)
    client.post(page_of(clinic), rows_of(clinic) | {"do": f"again-{photo.pk}"})
    prepare_due()
    assert len(images_on(client, clinic)) == 1


@pytest.mark.django_db(transaction=True)
def test_four_workers_make_each_photo_once(monkeypatch, tmp_path):
    clinic = ClinicFactory()
    user = MembershipFactory(clinic=clinic).user
    for _number in range(3):
        add_photo(clinic.pk, picture(), user)
    Photo.objects.update(**WORDS)
    on_disk(monkeypatch, tmp_path)
    assert sum(done.made for done in in_threads(4, prepare_due)) == 3


# --- Limits


@pytest.mark.django_db(transaction=True)
def test_the_last_place_is_given_once(monkeypatch, tmp_path, settings):
    clinic = ClinicFactory()
    user = MembershipFactory(clinic=clinic).user
    Photo.objects.bulk_create(
        Photo(clinic=clinic, image=f"clinics/{n}.jpg", width=1, height=1)
        for n in range(MOST_PHOTOS - 1)
    )
    on_disk(monkeypatch, tmp_path)

    def one_more():
        try:
            add_photo(clinic.pk, picture(), user)
        except RefusedPhoto as refusal:
            return str(refusal)
        return "added"

    # No more than are looked at at once.
    told = in_threads(2, one_more)
    full = "A clinic may have 30 photos. Delete one before you add another."
    assert sorted(told) == [full, "added"]
    assert len(files_in(settings.PRIVATE_ROOT)) == 1


def test_refused_files_count_for_the_day_too(clinic, staff):
    PhotosOfDay.objects.create(clinic=clinic, day=timezone.localdate(), sent=MOST_A_DAY - 1)
    with pytest.raises(RefusedPhoto, match="not a JPEG"):
        add_photo(clinic.pk, SimpleUploadedFile("x.jpg", b"x"), staff)
    with pytest.raises(RefusedPhoto, match="100 photos were sent for this clinic today"):
        add_photo(clinic.pk, picture(), staff)
    assert not Photo.objects.exists()
    assert add_photo(ClinicFactory().pk, picture(), staff).position == 1


@pytest.mark.usefixtures("staff")
def test_one_file_too_many_in_a_form_is_to_be_chosen_again(client, clinic, monkeypatch):
    monkeypatch.setattr("clinics.photo_admin.MOST_AT_ONCE", 1)
    files = [SimpleUploadedFile(f"{name}.jpg", b"x") for name in "ab"]
    html = client.post(page_of(clinic), {"photos": files, "do": "add"}).content.decode()
    assert "a.jpg: This is not a JPEG, PNG or WebP picture." in html
    assert "b.jpg: At most 1 at a time. Choose this one again." in html


# --- The page in the admin


@pytest.mark.usefixtures("staff")
def test_the_script_gets_a_row_or_a_sentence(client, clinic):
    def send(**fields):
        return client.post(page_of(clinic), fields, headers={"Accept": "application/json"}).json()

    row = send(photos=picture())["row"]
    photo = Photo.objects.get()
    assert f'data-photo="{photo.pk}"' in row
    assert "Patients do not see it." in row
    assert send(photos=SimpleUploadedFile("x.jpg", b"x")) == {
        "refused": "This is not a JPEG, PNG or WebP picture.",
        "again": False,
    }
    assert send() == {"refused": "Choose a photo."}
    states = client.get(f"{page_of(clinic)}states/", {"photo": [photo.pk, "x", "²", 10**30]})
    assert list(states.json()["states"]) == [str(photo.pk)]


@pytest.mark.usefixtures("staff")
def test_any_button_keeps_what_was_typed_in_every_row(client, clinic):
    first, second, third = (PhotoFactory(clinic=clinic, position=n) for n in (1, 2, 3))
    form = rows_of(clinic) | {f"photo-{first.pk}-alt_text": "The stairs", "do": f"up-{third.pk}"}
    response = client.post(page_of(clinic), form)
    assert response["Location"] == f"{page_of(clinic)}#photo-{third.pk}"
    assert list(Photo.objects.all()) == [first, third, second]
    assert Photo.objects.first().alt_text == "The stairs"
    client.post(page_of(clinic), rows_of(clinic) | {"do": f"down-{second.pk}"})
    assert list(Photo.objects.all()) == [first, third, second]
    client.post(page_of(clinic), rows_of(clinic) | {f"photo-{second.pk}-position": 0})
    assert list(Photo.objects.all()) == [second, first, third]


@pytest.mark.usefixtures("staff")
def test_words_that_sell_are_refused_beside_them_and_the_rest_is_saved(client, clinic):
    first, second = PhotoFactory(clinic=clinic, alt_text="Door"), PhotoFactory(clinic=clinic)
    form = rows_of(clinic) | {
        f"photo-{first.pk}-alt_text": "Painless treatment",
        f"photo-{second.pk}-alt_text": "The lift",
        "do": f"delete-{second.pk}",
    }
    html = client.post(page_of(clinic), form).content.decode()
    assert "Please write it another way: this is a listing." in html
    assert 'value="Painless treatment"' in html
    assert sorted(Photo.objects.values_list("alt_text", flat=True)) == ["Door", "The lift"]


def test_a_photo_is_deleted_after_a_question(client, clinic, staff, settings, final):
    photo, kept = public_photo(clinic, staff), add_photo(clinic.pk, picture(), staff)
    response = client.post(page_of(clinic), rows_of(clinic) | {"do": f"delete-{photo.pk}"})
    question = f"{page_of(clinic)}{photo.pk}/delete/"
    assert response["Location"] == question
    assert "Delete this photo?" in client.get(question).content.decode()
    assert Photo.objects.count() == 2
    with final():
        client.post(question)
    assert list(Photo.objects.all()) == [kept]
    assert files_in(settings.MEDIA_ROOT) == []
    assert files_in(settings.PRIVATE_ROOT) == [Path(kept.image.name).name]


def test_drafts_are_seen_by_the_clinic_alone(client, clinic, staff):
    own, rivals = add_photo(clinic.pk, picture(), staff), PhotoFactory()
    Photo.objects.filter(pk=rivals.pk).update(alt_text=CANARY)
    response = client.get(f"{page_of(clinic)}{own.pk}/picture/")
    assert b"".join(response.streaming_content).startswith(b"\xff\xd8\xff")
    assert response["Content-Type"] == "image/jpeg"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    # Under the own clinic's address as well as under its own: as if it were not there.
    for folder in (page_of(clinic), page_of(rivals.clinic)):
        for name in ("picture", "delete"):
            address = f"{folder}{rivals.pk}/{name}/"
            assert client.get(address).status_code == 404
            assert client.post(address).status_code in (404, 405)
    form = {f"photo-{rivals.pk}-alt_text": "mine", f"photo-{rivals.pk}-position": 7}
    for verb in ("up", "delete", "again"):
        answer = client.post(page_of(clinic), form | {"do": f"{verb}-{rivals.pk}"})
        assert answer["Location"] == page_of(clinic)
    told = client.get(f"{page_of(clinic)}states/", {"photo": rivals.pk})
    assert told.json() == {"states": {}}
    assert client.post(page_of(rivals.clinic), {"photos": picture()}).status_code == 404
    unchanged = Photo.objects.get(pk=rivals.pk)
    assert (unchanged.alt_text, unchanged.position) == (CANARY, 0)
    assert Photo.objects.count() == 2


@pytest.mark.usefixtures("staff")
def test_the_page_asks_the_same_questions_however_many_photos(
    client, clinic, django_assert_num_queries
):
    PhotoFactory(clinic=clinic)
    counts = []
    for _number in range(2):
        with django_assert_num_queries(10):
            counts.append(client.get(page_of(clinic)).content.decode().count('class="photo-row"'))
        PhotoFactory.create_batch(2, clinic=clinic)
    assert counts == [1, 3]


def test_what_people_change_is_in_the_history_and_what_workers_do_is_not(client, clinic, staff):
    photo = add_photo(clinic.pk, picture(), staff)
    client.post(
        page_of(clinic),
        {
            f"photo-{photo.pk}-alt_text": "The front door",
            f"photo-{photo.pk}-has_consent": "on",
            f"photo-{photo.pk}-position": 1,
        },
    )
    prepare_due()
    versions = Photo.history.filter(id=photo.pk)
    assert [version.alt_text for version in versions] == ["The front door", ""]
    assert {version.history_user for version in versions} == {staff}
