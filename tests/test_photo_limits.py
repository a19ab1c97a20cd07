"""A picture that takes too much is ended, and many at once leave the machine to its visitors."""

import fcntl
import io
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from clinics.decoding_places import PLACES, AllPlacesTaken, place_to_decode
from clinics.models import DiscardedPhoto, Photo, PhotosOfDay
from clinics.photos import RefusedPhoto, clean
from tests.factories import MembershipFactory

ROOT = Path(__file__).parent.parent
TOO_LONG = "This picture takes too long to open. Make it smaller."
TOO_MUCH_MEMORY = "This picture takes too much memory to open. Make it smaller."
BUSY = "Many photos are being looked at right now. Send this one again in a minute."
# Takes a picture as a worker of the site does, tries again as a browser does, and tells how wide
# the picture is.
WORKER = """
import sys, time
from pathlib import Path
from django.conf import settings
from django.core.files.base import ContentFile
from clinics.photos import NotLookedAt, clean

settings.configure(USE_I18N=False, PRIVATE_ROOT=Path(sys.argv[1]))
picture = Path(sys.argv[2])
while True:
    try:
        print(clean(ContentFile(picture.read_bytes()), picture.with_suffix(sys.argv[3])).width)
        break
    except NotLookedAt:
        time.sleep(0.05)
"""
HOLDER = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def slow_picture(scans: int) -> bytes:
    """A JPEG of 60 kB; for each of its last scans, all the same, a decoder needs 20 ms."""
    buffer = io.BytesIO()
    Image.new("L", (3500, 3500), "teal").save(buffer, "JPEG", progressive=True)
    content = buffer.getvalue()
    last_scan = content[content.rindex(b"\xff\xda") : -2]
    return content[:-2] + last_scan * scans + b"\xff\xd9"


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(buffer, "JPEG")
    return buffer.getvalue()


def files_in(folder) -> list[str]:
    return [path.name for path in Path(folder).rglob("*") if path.is_file()]


def decoders_of(parents) -> int:
    """How many decoders these processes have running at this moment."""
    count = 0
    for parent in parents:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            # What is gone when we look has ended meanwhile.
            with suppress(OSError):
                for child in children.read_text().split():
                    words = Path(f"/proc/{child}/cmdline").read_bytes()
                    count += b"photo_decoder.py" in words
    return count


def worker(private, picture: Path, number: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(private), str(picture), f".{number}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def held(folder: Path):
    """A place that another process holds, until the end or until that is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def place(settings, number: int) -> Path:
    return settings.PRIVATE_ROOT / "places-to-decode" / str(number)


# --- One picture


def test_a_picture_that_burns_the_processor_is_ended(tmp_path, monkeypatch):
    """By the limit of the processor: by the clock it would have a minute."""
    monkeypatch.setattr("clinics.photos.CPU_SECONDS", 1)
    monkeypatch.setattr("clinics.photos.PATIENCE_SECONDS", 60)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.raises(RefusedPhoto) as refused:
        clean(ContentFile(slow_picture(150)), tmp_path / "a.jpg")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert str(refused.value) == TOO_LONG
    burnt = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert 0.5 < burnt < 2
    assert files_in(tmp_path) == []


def test_a_picture_that_takes_long_by_the_clock_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("clinics.photos.PATIENCE_SECONDS", 0.3)
    with pytest.raises(RefusedPhoto) as refused:
        clean(ContentFile(slow_picture(150)), tmp_path / "a.jpg")
    assert str(refused.value) == TOO_LONG
    assert files_in(tmp_path) == []
    assert decoders_of({os.getpid()}) == 0


def test_a_picture_that_needs_more_memory_than_it_may_have_is_refused(tmp_path, monkeypatch):
    """The file is one that is taken as a rule; see test_photos.py."""
    monkeypatch.setattr("clinics.photos.MEMORY_BYTES", 100 * 1024 * 1024)
    buffer = io.BytesIO()
    Image.new("1", (7300, 5470)).save(buffer, "PNG")
    with pytest.raises(RefusedPhoto) as refused:
        clean(ContentFile(buffer.getvalue()), tmp_path / "a.jpg")
    assert str(refused.value) == TOO_MUCH_MEMORY
    assert files_in(tmp_path) == []


# --- Many pictures


@pytest.mark.django_db
def test_while_all_places_are_taken_a_photo_is_to_be_sent_again(client, settings):
    membership = MembershipFactory()
    client.force_login(membership.user)
    page = f"/admin/clinics/clinic/{membership.clinic.pk}/photos/"

    def send(**headers):
        return client.post(
            page, {"photos": SimpleUploadedFile("a.jpg", picture())}, headers=headers
        )

    with held(place(settings, 0)) as first, held(place(settings, 1)):
        assert f"a.jpg: {BUSY}" in send().content.decode()
        told = send(Accept="application/json").json()
        assert told == {"refused": BUSY, "again": True}
        assert not Photo.objects.exists()
        assert not DiscardedPhoto.objects.exists()
        assert files_in(settings.PRIVATE_ROOT) == []
        # Nobody looked at them, so they do not count.
        assert PhotosOfDay.objects.get().sent == 0
        # The place of a process that is killed is free at once.
        first.kill()
        first.wait()
        assert send().status_code == 302
    assert Photo.objects.count() == 1
    assert PhotosOfDay.objects.get().sent == 1


def test_of_many_at_once_two_are_decoded_and_all_get_their_turn(tmp_path):
    photo = tmp_path / "door.png"
    Image.new("1", (4000, 3000)).save(photo)
    workers = [worker(tmp_path / "private", photo, number) for number in range(4)]
    most = 0
    while any(process.poll() is None for process in workers):
        most = max(most, decoders_of({process.pid for process in workers}))
        time.sleep(0.01)
    assert [process.communicate()[0] for process in workers] == ["1600\n"] * 4
    assert 1 <= most <= PLACES == 2


def test_a_decoder_whose_worker_was_killed_keeps_its_place(tmp_path, settings):
    settings.PRIVATE_ROOT = tmp_path / "private"
    photo = tmp_path / "slow.jpg"
    # All of it fits into the pipe, so the decoder has it when the worker is killed.
    photo.write_bytes(slow_picture(50))
    process = worker(settings.PRIVATE_ROOT, photo, 1)
    while not decoders_of({process.pid}):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with place_to_decode() as other:
        assert os.path.samestat(os.fstat(other), place(settings, 1).stat())
        with pytest.raises(AllPlacesTaken), place_to_decode():
            pass
    # Waits for the decoder, which goes on to its end.
    last = os.open(place(settings, 0), os.O_RDONLY)
    fcntl.flock(last, fcntl.LOCK_EX)
    os.close(last)
