"""Forms in the admin for people who hear them: each error and each hint belongs to a field."""

from html.parser import HTMLParser

import pytest

from clinics.models import Membership, Offer, OpeningHours, Practitioner
from tests.factories import (
    CheckFactory,
    ClinicFactory,
    CorrectionFactory,
    EditorFactory,
    LanguageFactory,
    MembershipFactory,
    OfferFactory,
    OpeningHoursFactory,
    PractitionerFactory,
    ProposalFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]
TYPED = {"input", "select", "textarea"}
WITHOUT_LABEL = {"hidden", "submit", "button"}
NEVER_CLOSED = {"input", "img", "br", "link", "meta", "hr"}


class Page(HTMLParser):
    """The parts of a page that belong to each other by their ids."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.described, self.labelled = [], {}, set()
        self.fields, self.errors, self.open_parts, self.nested = [], {}, [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag in ("nav", "main") and tag in self.open_parts:
            self.nested.append(tag)
        if tag not in NEVER_CLOSED:
            self.open_parts.append(tag)
        own = attrs.get("id")
        self.ids += [own] if own else []
        for name in (attrs.get("aria-describedby") or "").split():
            group = attrs.get("role") == "group" and attrs.get("aria-label")
            self.described.setdefault(name, []).append(own or group)
        if tag == "label" and "for" in attrs:
            self.labelled.add(attrs["for"])
        if tag in TYPED and attrs.get("type") not in WITHOUT_LABEL:
            self.fields.append((own or attrs.get("name"), attrs.get("aria-label")))
        is_of_row = "nonfield" in attrs.get("class", "")
        if tag == "ul" and "errorlist" in attrs.get("class", "") and not is_of_row:
            self.errors[own] = self.getpos()

    def handle_endtag(self, tag):
        if tag in self.open_parts:
            while self.open_parts.pop() != tag:
                pass

    def faults(self) -> list[str]:
        """What belongs to nothing. The empty row that the script copies is a row as any other."""
        ids = set(self.ids)
        nameless = [own for own, name in self.fields if not name and own not in self.labelled]
        return [
            *(f"nothing has the id {name}" for name in self.described.keys() - ids),
            *(f"error of no field: {own}" for own in self.errors.keys() - self.described.keys()),
            *(f"no name: {own}" for own in nameless if own != "toggle-nav-sidebar"),
            *(f"{tag} in {tag}" for tag in self.nested),
            *(f"twice: {own}" for own in ids if self.ids.count(own) > 1),
        ]


def read(answer) -> Page:
    assert answer.status_code == 200
    return Page(answer.content.decode())


def as_sent(answer) -> dict:
    """What a browser would send of a page with a form and rows, changed nowhere."""
    forms = [answer.context["adminform"].form]
    sent = {"started_from": answer.context["started_from"], "_continue": "1"}
    for rows in answer.context["inline_admin_formsets"]:
        forms += [rows.formset.management_form, *rows.formset.forms]
    for form in forms:
        for bound in form:
            value = bound.value()
            if value is not None and value is not False:
                sent[bound.html_name] = "on" if value is True else value
    return sent


@pytest.fixture
def clinic(db):
    """A clinic with a row of each kind."""
    LanguageFactory()
    clinic = ClinicFactory()
    OpeningHoursFactory(clinic=clinic)
    OfferFactory(clinic=clinic)
    PractitionerFactory(clinic=clinic)
    CheckFactory(clinic=clinic, link="https://example.org/")
    MembershipFactory(clinic=clinic, role=Membership.Role.OWNER)
    return clinic


def change_page(clinic) -> str:
    return f"/admin/clinics/clinic/{clinic.pk}/change/"


@pytest.mark.parametrize("who", ["editor", "owner"])
def test_on_a_clinics_page_each_error_and_hint_belongs_to_a_field(client, clinic, who):
    client.force_login(EditorFactory() if who == "editor" else clinic.memberships.get().user)
    page = client.get(change_page(clinic))
    assert read(page).faults() == []
    # Not once for each box.
    assert read(page).described["id_languages_helptext"] == ["Languages"]

    wrong = {
        "phone": "123",
        "opening_hours-0-closes": "08:00",
        "offers-0-price_low": "900",
        "practitioners-0-name": "",
    }
    if who == "editor":
        wrong |= {"checks-0-expires_on": "1990-01-01", "memberships-0-user": "nobody"}
        # Of a place and a kind, which a published clinic needs, the one that is missing.
        wrong |= {"place": ""}
    told = client.post(change_page(clinic), as_sent(page) | wrong)
    heard = read(told)
    assert heard.faults() == []
    beside = wrong.keys() - {"offers-0-price_low"} | {"offers-0-price_high"}
    assert set(heard.errors) == {f"id_{name}_error" for name in beside}
    assert not [
        form.non_field_errors()
        for rows in told.context["inline_admin_formsets"]
        for form in rows.formset.forms
        if form.non_field_errors()
    ]
    # Nothing of it was stored, and nothing is lost.
    assert 'value="900"' in told.content.decode()
    assert OpeningHours.objects.get().closes.hour == 17
    assert Practitioner.objects.get().name


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"price_low": "200"}, "price_high"),
        ({"currency": ""}, "currency"),
        ({"sessions_low": "5", "sessions_high": "2"}, "sessions_high"),
    ],
)
def test_a_rule_about_two_fields_is_said_beside_the_one_to_correct(client, clinic, wrong, field):
    client.force_login(EditorFactory())
    offer = Offer.objects.get()
    address = f"/admin/clinics/offer/{offer.pk}/change/"
    told = client.post(address, as_sent(client.get(address)) | wrong)
    assert list(told.context["adminform"].form.errors) == [field]
    assert f"id_{field}_error" in read(told).described
    assert read(told).faults() == []


def test_other_pages_have_one_place_for_each_thing(client, clinic):
    correction, proposal = CorrectionFactory(clinic=clinic), ProposalFactory(clinic=clinic)
    client.force_login(clinic.memberships.get().user)
    offer = Offer.objects.get()
    for address in (
        f"/admin/clinics/proposal/{proposal.pk}/change/",
        f"/admin/clinics/offer/{offer.pk}/delete/",
        "/admin/clinics/bulkimport/add/",
        "/admin/clinics/bulkimport/columns/",
        f"/admin/clinics/correction/{correction.pk}/change/",
        "/admin/account/",
        "/admin/password_change/",
    ):
        page = read(client.get(address))
        assert (address, page.faults(), page.ids.count("content-start")) == (address, [], 1)


def test_a_correction_closed_without_saying_how_tells_the_group_of_buttons(client, clinic):
    correction = CorrectionFactory(clinic=clinic)
    client.force_login(clinic.memberships.get().user)
    told = client.post(f"/admin/clinics/correction/{correction.pk}/change/", {"_save": "1"})
    assert read(told).described["id_status_error"] == ["How it ended"]


# --- The password


def test_the_password_is_changed_in_the_frame_of_ones_account(client, clinic):
    user = clinic.memberships.get().user
    client.force_login(user)
    page = client.get("/admin/password_change/")
    assert "accounts/base.html" in [template.name for template in page.templates]
    wrong = {"old_password": "x", "new_password1": "a", "new_password2": "b"}
    told = read(client.post("/admin/password_change/", wrong))
    assert told.errors.keys() == {"id_old_password_error", "id_new_password2_error"}
    assert told.faults() == []

    new = "four words in a row"
    right = {"old_password": "password", "new_password1": new, "new_password2": new}
    done = client.post("/admin/password_change/", right, follow=True)
    assert [step for step, _status in done.redirect_chain][-1] == "/admin/account/"
    assert "Your password is changed." in done.content.decode()
    user.refresh_from_db()
    assert user.check_password(new)
