"""Help for those who work in the admin: beside each field, and in a guide with pictures."""

import re
from io import BytesIO

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.forms.models import InlineForeignKeyField
from django.test import RequestFactory
from PIL import Image

from clinics.models import BulkImport, ClaimRequest, Clinic
from clinics.staff_guide import GUIDE, SECTIONS, staff_guide
from docs.staff_guide_pictures import MOST_BYTES, PICTURES
from tests.factories import ClaimRequestFactory, ClinicFactory, EditorFactory, MembershipFactory
from treatments.models import Film, ReadersQuestion

FOLDER = GUIDE.parent / "staff-guide"


def forms_of(request, model_admin, row):
    """The forms that this person would fill in on a row's page, with their names."""
    name = model_admin.opts.label
    if model_admin.has_change_permission(request, row):
        form = model_admin.get_form(request, row, change=row is not None)
        shown = flatten_fieldsets(model_admin.get_fieldsets(request, row))
        yield name, {key: field for key, field in form.base_fields.items() if key in shown}
    for inline in model_admin.get_inline_instances(request, row):
        formset = inline.get_formset(request, row)
        yield f"{name}, {inline.opts.label}", formset(instance=row).empty_form.fields


def unexplained(user, pairs) -> list[str]:
    """Fields without a word of help, by form."""
    request = RequestFactory().get("/")
    request.user = user
    return [
        f"{name}: {key}"
        for model, row in pairs
        for name, fields in forms_of(request, admin.site.get_model_admin(model), row)
        for key, field in fields.items()
        if not field.help_text
        and key != "DELETE"
        and not isinstance(field, InlineForeignKeyField)
        and not field.widget.is_hidden
    ]


@pytest.mark.django_db
def test_every_field_of_the_directory_says_what_belongs_there():
    clinic, claim = ClinicFactory(), ClaimRequestFactory()
    rows = {Clinic: clinic, ClaimRequest: claim}
    # A file that was sent in is shown on a page of its own, and nobody fills it in.
    ours = [
        model
        for model in admin.site._registry
        if model._meta.app_label == "clinics" and model is not BulkImport
    ]
    pairs = [(model, rows.get(model)) for model in [*ours, Film, ReadersQuestion]]
    assert len(pairs) > 10
    assert unexplained(EditorFactory(), pairs) == []
    member = MembershipFactory(clinic=clinic).user
    own = [model for model in ours if model.__name__ in ("Offer", "Practitioner", "ReplyTemplate")]
    assert unexplained(member, [(Clinic, clinic), *((model, None) for model in own)]) == []


def test_the_guide_has_each_picture_and_each_is_small():
    named = re.findall(r"!\[[^\]]+\]\(staff-guide/([\w-]+)\.png\)", GUIDE.read_text("utf-8"))
    assert sorted(named) == sorted(picture.name for picture in PICTURES)
    assert sorted(named) == sorted(path.stem for path in FOLDER.iterdir())
    for name in named:
        content = (FOLDER / f"{name}.png").read_bytes()
        assert len(content) <= MOST_BYTES
        assert Image.open(BytesIO(content)).format == "PNG"


def test_pages_lead_to_sections_that_the_guide_has():
    anchors = {section.anchor for _part, sections in staff_guide().parts for section in sections}
    assert set(SECTIONS.values()) | {"the-desk"} <= anchors
    assert all(apps.get_model(label) in admin.site._registry for label in SECTIONS)


@pytest.mark.django_db
def test_clinic_staff_read_the_guide_in_the_admin_and_find_it_from_their_pages(client):
    membership = MembershipFactory()
    client.force_login(membership.user)
    page = client.get("/admin/guide/").content.decode()
    assert page.count("<img") == len(PICTURES)
    assert '<h3 id="opening-hours">Opening hours</h3>' in page
    offers = client.get("/admin/clinics/offer/").content.decode()
    assert 'href="/admin/guide/#prices"' in offers
    own = client.get(f"/admin/clinics/clinic/{membership.clinic_id}/change/").content.decode()
    assert 'href="/admin/guide/#your-listing"' in own
