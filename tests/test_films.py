"""Films: taken by what the file holds, never without captions and words, never loaded unasked.

The files here are the smallest that have the frame of a film. No picture is in them: nothing
on the server decodes one.
"""

import io
import re
from html import unescape

import pytest
from django.contrib.auth.models import Group
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.views.static import serve
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import (
    FilmFactory,
    MembershipFactory,
    SourceFactory,
    StaffFactory,
    TreatmentFactory,
)
from treatments import films
from treatments.films import RefusedFilm, check_captions, media_type_of
from treatments.models import Film, Source

ADMIN = "/admin/treatments/film/"
VTT = "WEBVTT\n\n00:00.000 --> 00:02.500\nThe nurse cleans the skin.\n"


def part(name: bytes, content: bytes = b"") -> bytes:
    """A part of an MP4 file."""
    return (8 + len(content)).to_bytes(4, "big") + name + content


def mp4(brand=b"isom", description=b"....mvhd....vide", after=b"") -> bytes:
    """The frame of an MP4 film."""
    head = part(b"ftyp", brand + b"\0\0\2\0" + brand)
    return head + part(b"moov", description) + part(b"mdat", b"\0" * 16) + after


def element(number: int, content: bytes = b"", length: bytes | None = None) -> bytes:
    """An element of a WebM file."""
    size = number.bit_length() // 8 + (number.bit_length() % 8 > 0)
    if length is None:
        length = (0x10000000 | len(content)).to_bytes(4, "big")
    return number.to_bytes(size, "big") + length + content


def webm(kind=b"webm", segment_length=None, inside=None) -> bytes:
    """The frame of a WebM film."""
    if inside is None:
        inside = element(films.TRACKS, b"V_VP9") + element(films.CLUSTER, b"\0" * 8)
    head = element(films.EBML_HEADER, element(films.DOCUMENT_TYPE, kind))
    return head + element(films.SEGMENT, inside, segment_length)


def upload(content: bytes, name="film.mp4", kind="video/mp4") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, kind)


def captions(text=VTT) -> SimpleUploadedFile:
    return upload(text.encode(), "captions.vtt", "text/vtt")


# --- What is a film


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (mp4(), "video/mp4"),
        (mp4(brand=b"mp42"), "video/mp4"),
        (mp4(after=part(b"free", b"padding")), "video/mp4"),
        (mp4(after=(0).to_bytes(4, "big") + b"free" + b"to the end"), "video/mp4"),
        (
            mp4(after=(1).to_bytes(4, "big") + b"free" + (20).to_bytes(8, "big") + b"abcd"),
            "video/mp4",
        ),
        (webm(), "video/webm"),
        (webm(segment_length=b"\x01" + b"\xff" * 7), "video/webm"),
    ],
)
def test_the_type_is_what_the_file_holds_whatever_it_is_called(content, kind):
    assert media_type_of(upload(content, "holiday.exe", "text/html")) == kind


WRONG_KIND = "This is not an MP4 or WebM film."
DAMAGED = "This film is damaged or incomplete. Save it again."
PLACE = "This film says where it was made. Save it again without the place."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", WRONG_KIND),
        (b"<!doctype html><script>alert(1)</script>", WRONG_KIND),
        (b"GIF89a" + b"\0" * 40, WRONG_KIND),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", WRONG_KIND),
        (b"RIFF\x24\0\0\0AVI LIST", WRONG_KIND),
        (b"PK\x03\x04" + mp4(), WRONG_KIND),
        (b"<script>" + mp4(), WRONG_KIND),
        (mp4(brand=b"qt  "), WRONG_KIND),
        (mp4(brand=b"heic"), WRONG_KIND),
        (mp4(brand=b"avif"), WRONG_KIND),
        (webm(kind=b"matroska"), WRONG_KIND),
        (mp4()[:-4], DAMAGED),
        (mp4(after=b"<script>alert(1)</script>"), DAMAGED),
        (mp4(after=part(b"\0\0\0\0")), DAMAGED),
        (mp4(after=(4).to_bytes(4, "big") + b"free"), DAMAGED),
        (mp4(after=b"\0\0"), DAMAGED),
        (part(b"ftyp", b"isom\0\0\2\0") + part(b"mdat", b"abc"), DAMAGED),
        (mp4()[: mp4().index(b"mdat") - 4], DAMAGED),
        (mp4(description=b"....mvhd....soun"), "There is no picture in this film."),
        (mp4(description=b"mvhd vide \xa9xyz+48.8566+002.3522/"), PLACE),
        (mp4(description=b"mvhd vide com.apple.quicktime.location.ISO6709"), PLACE),
        (webm()[:-3], DAMAGED),
        (webm() + b"<script>", DAMAGED),
        (webm(inside=element(films.TRACKS, b"V_VP9")), DAMAGED),
        (webm(inside=b""), DAMAGED),
        (webm()[:20], DAMAGED),
        (element(films.EBML_HEADER, b"\0\0\0\0"), DAMAGED),
        (element(films.EBML_HEADER, b"", b"\xff"), DAMAGED),
    ],
)
def test_what_is_no_whole_film_is_refused_with_the_reason(content, message):
    with pytest.raises(RefusedFilm) as refused:
        media_type_of(upload(content))
    assert str(refused.value) == message


def test_a_film_that_is_too_large_is_refused_before_it_is_read():
    class Large(io.BytesIO):
        size = films.MAX_BYTES + 1

        def read(self, *_size):
            raise AssertionError("It was read.")

    with pytest.raises(RefusedFilm, match="at most 60 MB"):
        media_type_of(Large())


def test_a_film_of_very_many_parts_is_refused_and_soon():
    with pytest.raises(RefusedFilm):
        media_type_of(upload(mp4(after=part(b"free") * (films.MAX_PARTS + 1))))


@given(st.sampled_from([mp4(), webm()]), st.data())
def test_a_damaged_film_is_taken_or_refused_and_nothing_else(content, data):
    place = data.draw(st.integers(0, len(content) - 1))
    changed = content[:place] + data.draw(st.binary(max_size=12)) + content[place + 4 :]
    try:
        found = media_type_of(upload(changed))
    except RefusedFilm:
        found = "refused"
    assert found in ("video/mp4", "video/webm", "refused")


# --- Captions


def test_captions_are_stored_anew_with_nothing_but_cues():
    sent = (
        "\ufeffWEBVTT - made by a program\r\nX-TIMESTAMP=1\r\n\r\nNOTE secret\r\n\r\n"
        "STYLE\r\n::cue { background: url(https://evil.example) }\r\n\r\n"
        "1\r\n00:01.000 --> 00:02.000 align:start\r\n<v Nurse>It <i>stings</i>.\r\n\r\n"
        "00:00:03.000 --> 01:00:04.500\nTwo\nlines\n"
    )
    # The head of a file may go on below its first line.
    sent = sent.replace("X-TIMESTAMP=1\r\n", "")
    checked = check_captions(captions(sent))
    assert checked.file.read().decode() == (
        "WEBVTT\n\n00:01.000 --> 00:02.000 align:start\n<v Nurse>It <i>stings</i>.\n\n"
        "00:00:03.000 --> 01:00:04.500\nTwo\nlines\n"
    )
    assert checked.seconds == 3604.5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "This is not a WebVTT file: its first line must be WEBVTT."),
        (b"1\n00:00:01,000 --> 00:00:02,000\nSubRip\n", "This is not a WebVTT file: its first"),
        (b"WEBVTTX\n\n00:00.000 --> 00:01.000\na\n", "This is not a WebVTT file: its first"),
        (b"WEBVTT\n\n", "There are no captions in this file."),
        (b"WEBVTT\n\nNOTE nothing\n", "There are no captions in this file."),
        (b"WEBVTT\n\n00:02.000 --> 00:01.000\nback\n", "Line 3 of these captions"),
        (b"WEBVTT\n\n00:00,000 --> 00:01,000\ncommas\n", "Line 3 of these captions"),
        (b"WEBVTT\n\n00:61.000 --> 02:00.000\nseconds\n", "Line 3 of these captions"),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\n<script>x</script>\n", "Line 4 of these captions"),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\na\nb --> c\n", "Line 5 of these captions"),
        (b"WEBVTT\n\njust words\nand more\n", "Line 3 of these captions"),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\n\xff\xfe\n", "These captions are not in UTF-8."),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\n\0\n", "This is not a WebVTT file."),
        (b"WEBVTT\n" + b"a" * 600_000, "These captions are too large"),
        (b"WEBVTT\n\n" + b"00:00.000 --> 00:01.000\na\n\n" * 5001, "There are too many captions"),
    ],
)
def test_captions_that_cannot_be_read_are_refused_with_the_line(content, message):
    with pytest.raises(RefusedFilm) as refused:
        check_captions(upload(content, "captions.vtt"))
    assert str(refused.value).startswith(message)


@given(st.lists(st.sampled_from([*VTT.splitlines(), "", "NOTE x", "-->", "<", "a & b", "1"])))
def test_any_lines_are_captions_or_refused(lines):
    try:
        checked = check_captions(captions("WEBVTT\n" + "\n".join(lines)))
    except RefusedFilm:
        return
    again = check_captions(captions(checked.file.read().decode()))
    checked.file.seek(0)
    assert again.file.read() == checked.file.read()


# --- What the database and the admin refuse


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [
        {"address": ""},
        {"address": "http://films.example.org/1"},
        {"address": "javascript:alert(1)"},
        {"file": "films/a.mp4", "captions": "films/a.vtt", "media_type": "video/mp4"},
        {"address": "", "file": "films/a.mp4", "media_type": "video/mp4"},
        {"address": "", "file": "films/a.mp4", "captions": "films/a.vtt"},
        {"captions": "films/a.vtt"},
        {"summary": ""},
        {"language": ""},
    ],
)
def test_the_database_refuses_a_film_that_readers_could_not_use(values):
    with pytest.raises(IntegrityError), transaction.atomic():
        FilmFactory(**values)


@pytest.fixture
def editor(db, client):
    """An editor by group alone, signed in."""
    user = StaffFactory()
    user.groups.add(Group.objects.get_or_create(name="Editors")[0])
    client.force_login(user)
    return user


@pytest.fixture
def film_form(db) -> dict:
    """What an editor sends for a film on a page elsewhere."""
    return {
        "treatment": TreatmentFactory(slug="cellulite").pk,
        "title": "One session",
        "source": SourceFactory(publisher="Film makers").pk,
        "address": "https://films.example.org/1",
        "language": "fr",
        "seconds": "61",
        "summary": "A nurse cleans the skin.",
        "is_published": "on",
        "position": "0",
        "change_reason": "First film.",
    }


def errors(response) -> list[str]:
    """The messages of a form that was refused."""
    assert response.status_code == 200
    lists = re.findall(r'class="errorlist[^>]*>(.*?)</ul>', response.content.decode(), re.DOTALL)
    return [
        unescape(message) for found in lists for message in re.findall(r"<li>(.*?)</li>", found)
    ]


@pytest.mark.usefixtures("editor")
def test_an_editor_stores_a_film_under_names_that_nobody_chose(client, film_form):
    form = film_form | {
        "address": "",
        "file": upload(webm(), "../../evil.php", "text/html"),
        "captions": captions(),
    }
    assert client.post(f"{ADMIN}add/", form).status_code == 302
    film = Film.objects.get()
    assert film.media_type == "video/webm"
    assert re.fullmatch(r"films/[0-9a-f]{32}\.webm", film.file.name)
    assert re.fullmatch(r"films/[0-9a-f]{32}\.vtt", film.captions.name)
    with default_storage.open(film.captions.name) as stored:
        assert stored.read().decode() == VTT


@pytest.mark.usefixtures("editor")
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"address": ""}, "Give the file of the film, or the page it is on."),
        ({"address": "http://films.example.org/1"}, "The address must begin with https://."),
        ({"address": "javascript:alert(1)"}, "Enter a valid URL."),
        ({"language": "zz"}, "Write a code of two letters, such as en, fr or tr."),
        ({"summary": ""}, "This field is required."),
        ({"seconds": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"change_reason": ""}, "Visitors see this. Say why you change it, in a few words."),
    ],
)
def test_a_film_without_what_readers_need_is_refused_beside_the_field(
    client, film_form, values, message
):
    assert message in errors(client.post(f"{ADMIN}add/", film_form | values))
    assert Film.objects.count() == 0


@pytest.mark.usefixtures("editor")
@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"file": b"<html>"}, WRONG_KIND),
        ({"file": mp4()}, "A film needs captions, for those who cannot hear it."),
        ({"file": mp4(), "captions": b"no"}, "This is not a WebVTT file: its first line must"),
        ({"captions": VTT.encode()}, "Give the file of the film, or the page it is on."),
    ],
)
def test_files_that_cannot_be_taken_are_refused_and_not_stored(client, film_form, files, message):
    sent = {name: upload(content, f"{name}.mp4") for name, content in files.items()}
    found = errors(client.post(f"{ADMIN}add/", film_form | {"address": ""} | sent))
    assert [error for error in found if error.startswith(message)]
    assert Film.objects.count() == 0
    assert not default_storage.exists("films")


@pytest.mark.usefixtures("editor")
def test_a_film_is_a_file_or_a_page_not_both(client, film_form):
    form = film_form | {"file": upload(mp4()), "captions": captions()}
    assert "Give the file or the page, not both." in errors(client.post(f"{ADMIN}add/", form))


@pytest.mark.usefixtures("editor")
def test_files_go_with_the_film_and_when_they_are_replaced(
    client, film_form, django_capture_on_commit_callbacks
):
    form = film_form | {"address": "", "file": upload(mp4()), "captions": captions()}
    client.post(f"{ADMIN}add/", form)
    first = Film.objects.get()
    change = f"{ADMIN}{first.pk}/change/"
    untouched = film_form | {"address": "", "title": "Another title"}
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(change, untouched).status_code == 302
    assert default_storage.exists(first.file.name)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(change, untouched | {"file": upload(webm())})
    second = Film.objects.get()
    assert (second.media_type, second.captions.name) == ("video/webm", first.captions.name)
    assert [default_storage.exists(film.file.name) for film in (first, second)] == [False, True]
    with django_capture_on_commit_callbacks(execute=True):
        client.post(
            f"{ADMIN}{first.pk}/delete/", {"post": "yes", "change_reason": "Consent withdrawn."}
        )
    assert Film.objects.count() == 0
    assert default_storage.listdir("films") == ([], [])


@pytest.mark.usefixtures("editor")
def test_a_film_moves_to_a_page_elsewhere_and_leaves_no_file(
    client, film_form, django_capture_on_commit_callbacks
):
    form = film_form | {"address": "", "file": upload(mp4()), "captions": captions()}
    client.post(f"{ADMIN}add/", form)
    cleared = film_form | {"file-clear": "on", "captions-clear": "on"}
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(f"{ADMIN}{Film.objects.get().pk}/change/", cleared)
    assert response.status_code == 302
    film = Film.objects.get()
    assert (film.file.name, film.captions.name, film.media_type) == ("", "", "")
    assert default_storage.listdir("films") == ([], [])


def test_clinic_staff_see_nothing_of_films(client, db):
    client.force_login(MembershipFactory().user)
    film = FilmFactory()
    paths = [ADMIN, f"{ADMIN}add/", f"{ADMIN}{film.pk}/change/", f"{ADMIN}{film.pk}/history/"]
    assert [client.get(path).status_code for path in paths] == [403] * 4


# --- What readers see


def section_of(client) -> str:
    html = client.get("/treatments/cellulite/").content.decode()
    start = html.index('<section class="section" aria-labelledby="films"')
    return html[start : html.index("</section>", start)]


@pytest.fixture
def cellulite(db):
    return TreatmentFactory(slug="cellulite")


def test_a_film_elsewhere_is_a_link_that_says_where_it_leads(client, cellulite):
    source = SourceFactory(publisher="Institute of Films", kind=Source.Kind.TRIAL)
    FilmFactory(
        treatment=cellulite,
        source=source,
        address="https://www.films.example.org/watch?v=1",
        language="fr",
    )
    section = section_of(client)
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", section)).split())
    assert "Watch it on films.example.org" in text
    assert "films.example.org will see your visit" in text
    assert "Made by Institute of Films" in text
    assert "French 2 min 5 s" in text
    assert "A doctor shows the needle and says what is not known." in text
    assert "gains from a sale" not in text
    # Only the link knows the other site: nothing on the page loads anything from it.
    assert re.findall(r'(\w+)="https://[^"]*"', section) == ["href"]
    assert re.findall(r"<(?:iframe|img|video|embed|object|script|link)\b", section) == []
    assert 'rel="noopener noreferrer nofollow external"' in section


def test_a_film_of_ours_has_captions_and_does_not_load_before_it_is_played(client, cellulite):
    film = FilmFactory(
        treatment=cellulite,
        address="",
        file="films/a.mp4",
        captions="films/a.vtt",
        media_type="video/mp4",
        seconds=None,
    )
    section = section_of(client)
    assert re.search(r'<video [^>]*controls preload="none"', section)
    assert f'<source src="{film.file.url}" type="video/mp4">' in section
    track = re.search(r"<track [^>]+>", section)[0]
    for attribute in ('kind="captions"', 'srclang="en"', 'label="English"', " default"):
        assert attribute in track
    assert "autoplay" not in section
    assert "length not stated" in section


def test_a_sellers_film_is_said_to_be_one(client, cellulite):
    maker = SourceFactory(kind=Source.Kind.CLINIC)
    FilmFactory(treatment=cellulite, source=maker, title="A <b>wonder</b>")
    section = section_of(client)
    assert "gains from a sale" in section
    assert "A &lt;b&gt;wonder" in section


def test_a_film_that_is_not_published_does_not_show(client, cellulite):
    FilmFactory(treatment=cellulite, is_published=False, title="Canary")
    html = client.get("/treatments/cellulite/").content.decode()
    assert ("Canary" in html, 'id="films"' in html) == (False, False)


def test_the_maker_of_a_film_is_among_the_sources_of_the_page(client, cellulite):
    FilmFactory(treatment=cellulite, source=SourceFactory(title="How films are made"))
    html = client.get("/treatments/cellulite/").content.decode()
    assert "How films are made" in html[html.index('id="sources"') :]


def test_a_source_says_which_films_it_made(client, cellulite):
    source = SourceFactory(slug="makers")
    film = FilmFactory(treatment=cellulite, source=source, title="One session")
    FilmFactory(treatment=cellulite, source=source, title="Canary", is_published=False)
    html = client.get("/sources/makers/").content.decode()
    assert (f"#film-{film.pk}" in html, "Canary" in html) == (True, False)


def test_films_and_captions_of_ours_alone_may_load(client, cellulite):
    policy = client.get("/treatments/cellulite/")["Content-Security-Policy"]
    assert "media-src 'self';" in f"{policy};"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.vtt"])
def test_uploads_are_served_as_what_they_are(client, settings, name, rf):
    kinds = {"a.mp4": "video/mp4", "a.webm": "video/webm", "a.vtt": "text/vtt"}
    default_storage.save(f"films/{name}", io.BytesIO(b"x"))
    response = serve(rf.get("/"), f"films/{name}", document_root=settings.MEDIA_ROOT)
    assert response["Content-Type"].partition(";")[0] == kinds[name]
    response.close()
