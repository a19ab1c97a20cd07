"""A photo that says where it was taken goes in, and comes out clean on the patient's page."""

import fcntl
import io
import os
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from tests.journeys.accessibility import violations
from tests.journeys.conftest import PHONE

# One worker makes all journeys of a kind, so that two sites are started and no more.
pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys of staff")]
CANARY = b"CANARY-52.5163-13.3777"
DROP = """(area) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["no picture"], "list.gif"));
    area.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
}"""


def photo_with_place() -> bytes:
    """A JPEG as a telephone makes it: with the place, and lying on its side."""
    exif = Image.Exif()
    exif[0x010E] = CANARY.decode()
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 58.0), 3: "E", 4: (13.0, 22.0, 39.0)})
    buffer = io.BytesIO()
    Image.effect_noise((900, 1300), 60).convert("RGB").save(buffer, "JPEG", exif=exif.tobytes())
    assert CANARY in buffer.getvalue()
    return buffer.getvalue()


@contextmanager
def machine_is_busy(private: Path):
    """While this lasts, as many pictures are looked at as may be."""
    files = []
    for place in ("0", "1"):
        folder = private / "places-to-decode" / place
        folder.mkdir(parents=True, exist_ok=True)
        files.append(os.open(folder, os.O_RDONLY))
        fcntl.flock(files[-1], fcntl.LOCK_EX)
    try:
        yield
    finally:
        for file in files:
            os.close(file)


def serve_uploads(tab, folder) -> dict[str, bytes]:
    """Hand out uploads as the web server in front does; what was asked for, by name."""
    served = {}

    def answer(route):
        name = route.request.url.partition("/media/")[2]
        served[name] = (folder / name).read_bytes()
        route.fulfill(path=folder / name, headers={"X-Content-Type-Options": "nosniff"})

    tab.route("**/media/**", answer)
    return served


def assert_well_made(tab):
    """Axe finds nothing wrong, and nothing is wider than the screen."""
    assert violations(tab) == [], tab.url
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_photo_with_its_place_goes_in_and_comes_out_clean(
    editors_tab, site_environment, manage, visit
):
    tab, folder = editors_tab, Path(site_environment["MEDIA_ROOT"])
    serve_uploads(tab, folder)
    tab.set_viewport_size(PHONE)
    tab.goto("/admin/clinics/clinic/?status__exact=published")
    tab.locator("#result_list th.field-name a").first.click()
    public = tab.get_by_role("link", name="View on site").get_attribute("href")
    tab.get_by_role("link", name="Add or change photos").press("Enter")
    with machine_is_busy(Path(site_environment["PRIVATE_ROOT"])):
        tab.get_by_label("Add photos").set_input_files(
            [{"name": "door.jpg", "mimeType": "image/jpeg", "buffer": photo_with_place()}]
        )
        tab.get_by_text("This one waits for its turn.").wait_for()
        assert_well_made(tab)
    # It goes in by itself.
    row = tab.get_by_role("listitem").filter(has=tab.get_by_label("What it shows"))
    row.wait_for()
    assert tab.get_by_role("status").inner_text() == "door.jpg: added"
    drawn = row.locator("img").evaluate("(image) => image.decode().then(() => image.naturalWidth)")
    assert drawn == 1300
    tab.locator("[data-drop]").evaluate(DROP)
    tab.get_by_text("This is not a JPEG, PNG or WebP picture.").first.wait_for()
    assert_well_made(tab)

    row.get_by_label("What it shows").fill("The front door")
    row.get_by_label("Everyone shown has agreed").check()
    tab.get_by_role("button", name="Save words and order").click()
    assert "Being prepared" in row.inner_text()
    assert_well_made(tab)
    manage("run_jobs", "--once")
    # Without a reload: the page asks by itself.
    row.get_by_text("Patients see it.").wait_for()

    visitor = visit(viewport=PHONE)
    served = serve_uploads(visitor, folder)
    visitor.goto(public)
    image = visitor.get_by_role("img", name="The front door")
    image.scroll_into_view_if_needed()
    image.evaluate("(image) => image.decode()")
    assert image.evaluate("(image) => image.currentSrc").endswith(".avif")
    assert_well_made(visitor)
    assert len(served) == 1
    everything = {path.name: path.read_bytes() for path in folder.rglob("*.*")} | served
    assert len(everything) == 9 + len(served)
    for content in everything.values():
        assert CANARY not in content
        with Image.open(io.BytesIO(content)) as picture:
            assert dict(picture.getexif()) == {}
            assert picture.width > picture.height

    row.get_by_role("button", name="Delete").click()
    tab.get_by_role("heading", name="Delete this photo?", level=1).wait_for()
    assert_well_made(tab)
