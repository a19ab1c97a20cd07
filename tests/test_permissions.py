"""Staff of one clinic cannot read or change another's, by any address or forged form.

The addresses are read from the admin itself, so a new page is tried without being listed
here. Each text of the rival's rows carries a canary: no byte of it may be in any answer.
"""

import json
import re
from functools import partial

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AnonymousUser, Group
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages import get_messages
from django.core import serializers
from django.db import models
from django.urls import URLResolver

from accounts.models import User
from clinics.models import (
    Check,
    Clinic,
    Membership,
    Offer,
    OpeningHours,
    Photo,
    Practitioner,
    Proposal,
)
from clinics.permissions import clinics_of, is_editor, may_edit, treatments_to_offer
from clinics.review import approve
from tests.factories import (
    CheckFactory,
    ClinicFactory,
    EditorFactory,
    MembershipFactory,
    OfferFactory,
    OpeningHoursFactory,
    PhotoFactory,
    PractitionerFactory,
    ProposalFactory,
    StaffFactory,
    TreatmentFactory,
    UserFactory,
)
from tests.forms_of_pages import form_of

pytestmark = pytest.mark.django_db
CANARY = "rivalcanary"
# Finds the rival by search, and is no canary when the page repeats it.
PART_OF_CANARY = "ivalcanar"
MISSING = 987_654
PARTS = [Offer, Practitioner, Check, OpeningHours, Photo, Membership, Proposal]
# What staff may change of a clinic's own row at once, and what follows from any change.
STAFF_COLUMNS = {"address", "postcode", "phone", "email", "website", "updated_at"}


def write_canary(row):
    """Put the canary into every text column of the row that has no list of choices."""
    texts = (models.CharField, models.TextField)
    values = {
        field.name: f"{CANARY}-{field.name[:4]}-{row.pk}"[: field.max_length]
        for field in row._meta.concrete_fields
        if isinstance(field, texts) and not field.choices and field.name != "password"
    }
    type(row).objects.filter(pk=row.pk).update(**values)
    row.refresh_from_db()


def fill(clinic) -> dict:
    """Give a clinic one of everything; return the rows by model."""
    practitioner = PractitionerFactory(clinic=clinic)
    rows = [
        clinic,
        practitioner,
        OfferFactory(clinic=clinic),
        CheckFactory(clinic=clinic, practitioner=practitioner),
        OpeningHoursFactory(clinic=clinic),
        PhotoFactory(clinic=clinic),
        MembershipFactory(clinic=clinic),
        ProposalFactory(clinic=clinic, subject="offer", row_id=987_655),
    ]
    return {type(row): row for row in rows}


@pytest.fixture
def own(db):
    """The rows of the clinic whose staff signs in."""
    return fill(ClinicFactory(name="Own clinic"))


@pytest.fixture
def staff(own, client):
    """The member of staff, signed in."""
    user = own[Membership].user
    client.force_login(user)
    return user


@pytest.fixture
def rival(db):
    """The rows of a published clinic of somebody else."""
    rows = fill(ClinicFactory())
    for row in [*rows.values(), rows[Membership].user]:
        write_canary(row)
    LogEntry.objects.create(
        user=rows[Membership].user,
        content_type=ContentType.objects.get_for_model(Clinic),
        object_id=rows[Clinic].pk,
        object_repr=CANARY,
        action_flag=2,
        change_message=CANARY,
    )
    return rows


@pytest.fixture
def rival_draft(db):
    """A clinic of somebody else that nobody has published."""
    clinic = ClinicFactory(status=Clinic.Status.DRAFT)
    write_canary(clinic)
    return clinic


def state_of(clinic) -> dict:
    """Everything stored about a clinic, as text by model."""
    rows = {Clinic: Clinic.objects.filter(pk=clinic.pk)}
    rows |= {model: model.objects.filter(clinic=clinic).order_by("pk") for model in PARTS}
    return {model.__name__: serializers.serialize("json", found) for model, found in rows.items()}


@pytest.fixture
def rival_stays(rival, rival_draft):
    """Whatever the test does, the rivals' rows are afterwards what they were."""
    before = [state_of(clinic) for clinic in (rival[Clinic], rival_draft)]
    yield
    assert [state_of(clinic) for clinic in (rival[Clinic], rival_draft)] == before


def silent(response):
    """Assert that no byte of an answer is of the rival's; return the answer."""
    headers = "".join(f"{name}: {value}\n" for name, value in response.items())
    everything = headers.encode() + response.content
    assert CANARY.encode() not in everything.lower()
    return response


# --- The addresses of the admin


def admin_routes() -> list[str]:
    """Every route of the admin, such as "clinics/clinic/<path:object_id>/change/"."""
    found, waiting = [], [("", url) for url in admin.site.get_urls()]
    while waiting:
        prefix, url = waiting.pop(0)
        route = prefix + str(url.pattern)
        if isinstance(url, URLResolver):
            waiting = [*((route, inner) for inner in url.url_patterns), *waiting]
        else:
            found.append(route)
    return found


ROUTES = admin_routes()
OBJECT_ROUTES = [route for route in ROUTES if "<" in route and not route.startswith(("^", "("))]
# Django's own page, which tells of accounts and groups that there is one of this id, no more.
PLAIN_ROUTES = [route for route in ROUTES if "<" not in route and route != "logout/"]


def address(route, object_id) -> str:
    """The address of an object's page."""
    return "/admin/" + re.sub(r"<[^>]+>", str(object_id), route)


def model_of(route):
    """The model of a route such as "clinics/clinic/add/"."""
    label, name = route.split("/")[:2]
    return next(
        model
        for model in admin.site._registry
        if (model._meta.app_label, model._meta.model_name) == (label, name)
    )


def test_the_routes_are_all_there_and_one_of_djangos_is_not():
    assert len(OBJECT_ROUTES) > 80
    assert "clinics/offer/<path:object_id>/history/" in OBJECT_ROUTES
    assert "autocomplete/" in PLAIN_ROUTES
    # It redirects whoever may sign in to the address of any object of any model.
    assert not [route for route in ROUTES if "content_type_id" in route]


def test_anonymous_visitors_are_sent_to_sign_in(client, own):
    for route in [*PLAIN_ROUTES, *OBJECT_ROUTES]:
        if route == "login/":
            continue
        path = address(route, own[Clinic].pk)
        for response in (client.get(path), client.post(path)):
            assert response.status_code == 302, path
            assert response["Location"].startswith("/admin/login/?next="), path


@pytest.mark.usefixtures("staff", "rival_stays")
@pytest.mark.once
def test_no_page_without_an_object_names_the_rival(client, rival, rival_draft):
    queries = [
        {},
        {"q": PART_OF_CANARY},
        {"clinic": rival[Clinic].pk},
        {"clinic__id__exact": rival[Clinic].pk},
        {"id__exact": rival_draft.pk},
        {"clinic__name__startswith": PART_OF_CANARY},
        {"clinic__memberships__user__password__startswith": "m"},
        {"place__clinics__name__startswith": PART_OF_CANARY},
        {"confirmed_by__username__startswith": PART_OF_CANARY},
        {"status__exact": "draft"},
        {"_popup": 1},
        {"_to_field": "id"},
        {"_to_field": "slug"},
        {"_facets": "True"},
        {"all": ""},
        {"e": 1},
        {"o": "1.-2.3"},
        {"p": 2},
    ]
    allowed = {200, 302, 400, 403, 404, 405}
    for route in PLAIN_ROUTES:
        # A page that is closed to staff is closed before it reads the query, and those that add
        # a row or are of one's own account read little of it.
        is_list = route.count("/") == 2 and client.get(f"/admin/{route}").status_code != 403
        for query in queries if is_list else [{}, {"clinic": rival[Clinic].pk}, {"_popup": 1}]:
            response = silent(client.get(f"/admin/{route}", query))
            assert response.status_code in allowed, (route, query)


def routes_by_model() -> dict[str, list[str]]:
    """The pages of single objects, such as {"clinics/offer": [...]}."""
    found = {}
    for route in OBJECT_ROUTES:
        found.setdefault("/".join(route.split("/")[:2]), []).append(route)
    return found


@pytest.mark.usefixtures("staff", "rival_stays")
@pytest.mark.parametrize("routes", routes_by_model().values(), ids=routes_by_model())
def test_what_is_the_rivals_looks_as_if_it_did_not_exist(client, rival, rival_draft, routes):
    """The same status, place to go on and page after it, for GET and for forged forms."""
    for route in routes:
        assert_looks_missing(client, rival, rival_draft, route)


def assert_looks_missing(client, rival, rival_draft, route):
    """Whoever asks for the page of the rival's object learns what a missing one would tell."""
    model = model_of(route)
    ids = [rival[model].pk] if model in rival else [rival[Membership].user.pk]
    if model is Clinic:
        ids.append(rival_draft.pk)

    queries = ["", "?_popup=1", "?_to_field=id", "?_to_field=slug"]
    forms = [{}, {"post": "yes"}, {"name": "x", "_save": "1"}, {"_saveasnew": "1"}]
    is_shared = model in (Clinic, Offer, Practitioner, Proposal)
    if not is_shared:
        # All of it is closed to staff: one of a kind tells enough.
        queries, forms = queries[:1], forms[1:2]

    def answers(object_id):
        path = address(route, object_id)
        asked = [partial(client.get, path + query) for query in queries]
        asked += [partial(client.post, path, form) for form in forms]
        return [without_id(ask(), object_id) for ask in asked]

    def without_id(response, object_id):
        # Old addresses lead to new ones first.
        while str(object_id) in response.get("Location", ""):
            response = client.get(silent(response)["Location"])
        # What the first page would say; that page itself is the same for everybody.
        messages = [str(message) for message in get_messages(response.wsgi_request)]
        client.cookies.pop("messages", None)
        told = [silent(response).get("Location", ""), *messages]
        return response.status_code, [words.replace(str(object_id), "ID") for words in told]

    missing = answers(MISSING)
    told = [answers(object_id) for object_id in ids]
    for rivals in told:
        assert rivals == missing
    if is_shared and missing[0][0] == 302:
        assert "ID “ID” doesn’t exist" in missing[0][1][1]


@pytest.mark.usefixtures("staff", "rival", "rival_draft")
@pytest.mark.parametrize(
    "field",
    [
        *("offer.clinic", "practitioner.clinic", "check.clinic", "check.practitioner"),
        *("membership.user", "membership.clinic", "photo.clinic", "openinghours.clinic"),
        *("clinic.place", "clinic.confirmed_by", "offer.treatment", "offer.currency"),
    ],
)
def test_suggestions_while_typing_name_only_what_is_own(client, own, field):
    model, name = field.split(".")
    query = {"app_label": "clinics", "model_name": model, "field_name": name, "term": ""}
    response = silent(client.get("/admin/autocomplete/", query))
    found = {"clinic": own[Clinic], "practitioner": own[Practitioner]}
    if name in found:
        told = json.loads(response.content)["results"]
        assert [row["id"] for row in told] == [str(found[name].pk)]
    else:
        assert response.status_code == 403


# --- Forms


def send(client, path, form):
    """Send a form that is expected to be taken; on refusal, fail with what the page says."""
    response = client.post(path, form)
    assert response.status_code == 302, re.findall(
        r'class="errorlist[^>]*>(.*?)</ul>', response.content.decode(), re.DOTALL
    )


def clinic_path(clinic) -> str:
    return f"/admin/clinics/clinic/{clinic.pk}/change/"


def offer_path(offer) -> str:
    return f"/admin/clinics/offer/{offer.pk}/change/"


@pytest.mark.usefixtures("staff")
def test_the_form_as_it_stands_can_be_sent_back(client, own):
    """Else every forged form below would be refused for a reason that proves nothing."""
    path = clinic_path(own[Clinic])
    form = form_of(client, path) | {"address": "1 Rue Neuve"}
    send(client, path, form)
    own[Clinic].refresh_from_db()
    assert own[Clinic].address == "1 Rue Neuve"


@pytest.mark.usefixtures("staff", "rival_stays")
@pytest.mark.parametrize("prefix", ["opening_hours", "offers", "practitioners"])
@pytest.mark.parametrize("forgery", ["id", "id and DELETE", "clinic", "new row", "one more"])
def test_rows_of_a_clinics_page_cannot_be_another_clinics(client, own, rival, prefix, forgery):
    models_by_prefix = {
        "opening_hours": OpeningHours,
        "offers": Offer,
        "practitioners": Practitioner,
    }
    foreign = rival[models_by_prefix[prefix]]
    path = clinic_path(own[Clinic])
    form = form_of(client, path)
    first = {key: form[key] for key in form if key.startswith(f"{prefix}-0-")}
    assert first[f"{prefix}-0-id"] == [str(own[models_by_prefix[prefix]].pk)]
    if forgery.startswith("id"):
        form[f"{prefix}-0-id"] = foreign.pk
        if "DELETE" in forgery:
            form[f"{prefix}-0-DELETE"] = "on"
    elif forgery == "clinic":
        form[f"{prefix}-0-clinic"] = rival[Clinic].pk
    else:
        total = int(form[f"{prefix}-TOTAL_FORMS"][0])
        form |= {key.replace("-0-", f"-{total}-"): value for key, value in first.items()}
        form[f"{prefix}-{total}-clinic"] = rival[Clinic].pk
        form[f"{prefix}-{total}-id"] = "" if forgery == "new row" else foreign.pk
        form[f"{prefix}-TOTAL_FORMS"] = total + 1
        if forgery == "one more":
            form[f"{prefix}-INITIAL_FORMS"] = total + 1
    silent(client.post(path, form, follow=True))


@pytest.mark.usefixtures("staff", "rival_stays")
@pytest.mark.once
def test_a_thousand_rows_are_refused(client, own):
    path = clinic_path(own[Clinic])
    form = form_of(client, path) | {"offers-TOTAL_FORMS": 1001}
    before = state_of(own[Clinic])
    answer = silent(client.post(path, form))
    assert answer.content.decode().count('-treatment"') < 500
    assert state_of(own[Clinic])["Offer"] == before["Offer"]


@pytest.mark.usefixtures("rival_stays")
def test_staff_change_how_to_reach_a_clinic_and_nothing_else_of_it(client, own, staff, rival):
    """Every column and every row of checks and memberships is sent along; few may arrive."""
    path = clinic_path(own[Clinic])
    form = form_of(client, path)
    values = {
        "name": "Best clinic",
        "slug": "best",
        "facility_type": "hospital",
        "place": rival[Clinic].place.pk,
        "address": "1 Rue Neuve",
        "postcode": "75001",
        "latitude": "1",
        "longitude": "1",
        "phone": "+33 1 23 45 67 89",
        "email": "desk@example.org",
        "website": "https://example.org/",
        "description": "Two rooms.",
        "status": "suspended",
        "is_sample": "on",
        "confirmed_on": "2030-01-01",
        "confirmed_by": staff.pk,
        "import_key": "x",
        "import_digest": "x",
        "shuffle_key": "1",
        "created_at": "2000-01-01",
        "id": rival[Clinic].pk,
    }
    columns = {field.name for field in Clinic._meta.concrete_fields}
    assert columns - set(values) == {"name_folded", "updated_at"}
    for prefix in ("checks", "memberships"):
        form |= {f"{prefix}-TOTAL_FORMS": 1, f"{prefix}-INITIAL_FORMS": 0, f"{prefix}-0-id": ""}
    form |= {
        "checks-0-kind": "licence",
        "checks-0-register": "Mine",
        "checks-0-result": "confirmed",
        "checks-0-checked_on": "2026-01-01",
        "memberships-0-user": StaffFactory().username,
        "memberships-0-role": "owner",
    }
    before, rows_before = (
        Clinic.objects.filter(pk=own[Clinic].pk).values().get(),
        state_of(own[Clinic]),
    )
    send(client, path, form | values)
    after = Clinic.objects.filter(pk=own[Clinic].pk).values().get()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == STAFF_COLUMNS
    rows_after = state_of(own[Clinic])
    for name in ("Check", "Membership"):
        assert rows_after[name] == rows_before[name]
    sent = Proposal.objects.get(clinic=own[Clinic], subject="clinic")
    assert sent.proposed == {"description": "Two rooms."}


@pytest.mark.usefixtures("staff", "rival_stays")
@pytest.mark.parametrize("model", [Offer, Practitioner])
def test_what_staff_have_stays_with_its_clinic(client, own, rival, model):
    row = own[model]
    path = f"/admin/clinics/{model._meta.model_name}/{row.pk}/change/"
    form = form_of(client, path) | {"clinic": rival[Clinic].pk, "id": rival[model].pk}
    silent(client.post(path, form, follow=True))
    row.refresh_from_db()
    assert row.clinic == own[Clinic]


@pytest.mark.usefixtures("staff", "rival_stays")
@pytest.mark.parametrize("model", [Offer, Practitioner])
def test_staff_add_to_their_own_clinics_only(client, own, rival, rival_draft, model):
    path = f"/admin/clinics/{model._meta.model_name}/add/"
    texts = {"label": "added", "name": "Added", "profession": "nurse"}
    silent(client.get(path, {"clinic": rival[Clinic].pk}))
    form = form_of(client, path) | texts | {"treatment": own[Offer].treatment.pk}
    assert form["clinic"] == [str(own[Clinic].pk)]
    before = model.objects.count()
    for foreign in (rival[Clinic].pk, rival_draft.pk, MISSING, "", "x"):
        answer = silent(client.post(path, form | {"clinic": foreign}))
        assert answer.status_code == 200
        assert model.objects.count() == before
    send(client, path, form)
    sent = Proposal.objects.latest("pk")
    assert (sent.kind, sent.clinic) == ("add", own[Clinic])
    assert model.objects.count() == before
    approve(sent, EditorFactory())
    assert model.objects.latest("pk").clinic == own[Clinic]


@pytest.mark.usefixtures("staff", "rival_stays")
def test_actions_reach_own_rows_only(client, own, rival, rival_draft):
    for model in (Clinic, Offer, Practitioner):
        path = f"/admin/clinics/{model._meta.model_name}/"
        foreign = [rival[model].pk, rival_draft.pk]
        for action in ("delete_selected", "confirm_all_correct", "no_such_action"):
            for more in ({}, {"post": "yes"}, {"select_across": "1"}):
                form = {"action": action, "_selected_action": foreign, "index": 0} | more
                silent(client.post(path, form, follow=True))
    assert Clinic.objects.filter(pk=own[Clinic].pk).exists()


@pytest.mark.usefixtures("staff")
def test_staff_cannot_add_or_delete_a_clinic(client, own):
    path = f"/admin/clinics/clinic/{own[Clinic].pk}/delete/"
    assert client.get("/admin/clinics/clinic/add/").status_code == 403
    assert client.get(path).status_code == 403
    assert client.post(path, {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": own[Clinic].pk, "post": "yes"}
    client.post("/admin/clinics/clinic/", form)
    assert Clinic.objects.filter(pk=own[Clinic].pk).exists()


@pytest.mark.usefixtures("staff")
def test_staff_see_nothing_of_the_knowledge_nor_of_accounts(client):
    open_to_staff = {
        route.split("/")[1]
        for route in PLAIN_ROUTES
        if route.count("/") == 2 and client.get(f"/admin/{route}").status_code == 200
    }
    own = {"clinic", "offer", "practitioner", "enquiry", "replytemplate", "proposal", "bulkimport"}
    own.add("correction")
    assert open_to_staff == own


@pytest.mark.usefixtures("staff")
def test_staff_read_the_checks_of_their_clinic(client, own):
    own[Check].register = "Register of the town"
    own[Check].save()
    html = client.get(clinic_path(own[Clinic])).content.decode()
    assert "Register of the town" in html
    assert 'name="checks-0-register"' not in html
    assert "memberships-" not in html


@pytest.mark.usefixtures("staff")
def test_a_checked_practitioner_cannot_become_somebody_else(client, own):
    person = own[Practitioner]
    values = {"name": "Another", "registration_number": "1", "practising_since": "1999"}
    path = f"/admin/clinics/practitioner/{person.pk}/change/"
    send(client, path, form_of(client, path) | values)
    page = clinic_path(own[Clinic])
    inline = {f"practitioners-0-{name}": value for name, value in values.items()}
    send(client, page, form_of(client, page) | inline)
    sent = Proposal.objects.get(subject="practitioner", row_id=person.pk)
    assert sent.proposed == {"practising_since": "1999"}
    approve(sent, EditorFactory())
    changed = Practitioner.objects.get(pk=person.pk)
    assert (changed.name, changed.registration_number) == (person.name, "")
    assert changed.practising_since == 1999


@pytest.mark.usefixtures("staff")
def test_a_check_does_not_go_with_the_person_who_was_checked(client, own):
    person = own[Practitioner]
    path = f"/admin/clinics/practitioner/{person.pk}/delete/"
    assert client.post(path, {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": person.pk, "post": "yes"}
    client.post("/admin/clinics/practitioner/", selected)
    page = clinic_path(own[Clinic])
    client.post(page, form_of(client, page) | {"practitioners-0-DELETE": "on"})
    assert Check.objects.filter(practitioner=person).exists()


@pytest.mark.usefixtures("staff")
def test_staff_remove_a_person_whom_nobody_checked(client, own):
    person = PractitionerFactory(clinic=own[Clinic])
    client.post(f"/admin/clinics/practitioner/{person.pk}/delete/", {"post": "yes"})
    assert Practitioner.objects.filter(pk=person.pk).exists()
    approve(Proposal.objects.get(kind="remove"), EditorFactory())
    assert not Practitioner.objects.filter(pk=person.pk).exists()


@pytest.mark.usefixtures("staff")
def test_a_double_of_an_offer_is_refused_beside_the_form(client, own):
    """The clinic is fixed, and still known to the form: no error from the database."""
    double = OfferFactory(clinic=own[Clinic], treatment=own[Offer].treatment, label="small area")
    path = offer_path(double)
    response = client.post(path, form_of(client, path) | {"label": ""})
    assert response.status_code == 200
    assert "already exists" in response.content.decode()


def test_a_lost_membership_counts_from_the_next_request(client, own, staff):
    path = clinic_path(own[Clinic])
    assert client.get(path).status_code == 200
    Membership.objects.filter(user=staff).delete()
    response = client.get(path)
    assert (response.status_code, response["Location"]) == (302, "/admin/")


# --- The definition itself


def test_clinics_of():
    mine, second, draft = ClinicFactory(), ClinicFactory(), ClinicFactory(status="draft")
    others = ClinicFactory()
    user = StaffFactory()
    for clinic, role in ((mine, "staff"), (second, "owner"), (draft, "staff")):
        MembershipFactory(user=user, clinic=clinic, role=role)
    assert set(clinics_of(user)) == {mine, second, draft}
    assert [may_edit(user, clinic.pk) for clinic in (mine, draft, others)] == [True, True, False]
    assert not may_edit(user, None)


def test_clinics_of_nobody():
    ClinicFactory()
    gone = MembershipFactory(user__is_active=False).user
    for user in (AnonymousUser(), StaffFactory(), gone, UserFactory()):
        assert list(clinics_of(user)) == []


def test_clinics_of_editors_are_all():
    clinics = {ClinicFactory(), ClinicFactory(status="draft")}
    member = StaffFactory()
    member.groups.add(Group.objects.get(name="Editors"))
    for user in (EditorFactory(), member):
        assert set(clinics_of(user)) == clinics
        assert is_editor(user)
        assert may_edit(user, None)


def test_a_group_of_another_name_makes_no_editor():
    user = StaffFactory()
    user.groups.add(Group.objects.create(name="editors "))
    assert not is_editor(user)
    assert not is_editor(EditorFactory(is_active=False))


def test_permissions_of_djangos_own_tables_open_nothing(client, own, staff, rival):
    """Given by mistake, they do not widen what "own" means."""
    staff.user_permissions.set(
        [
            *ContentType.objects.get_for_model(Clinic).permission_set.all(),
            *ContentType.objects.get_for_model(Check).permission_set.all(),
        ]
    )
    assert client.get("/admin/clinics/clinic/add/").status_code == 403
    assert client.get("/admin/clinics/check/").status_code == 403
    assert client.get(clinic_path(rival[Clinic])).status_code == 302


def test_rights_cost_one_query_a_person(django_assert_num_queries):
    user = MembershipFactory().user
    user = User.objects.get(pk=user.pk)
    with django_assert_num_queries(2):
        for number in range(5):
            is_editor(user)
            may_edit(user, number)


def test_staff_choose_from_published_treatments_and_their_own(own):
    user = own[Membership].user
    shown = own[Offer].treatment
    hidden, kept = TreatmentFactory(is_published=False), TreatmentFactory(is_published=False)
    OfferFactory(clinic=own[Clinic], treatment=kept)
    OfferFactory(treatment=hidden)
    TreatmentFactory(kind="comparison")
    others = Offer.objects.exclude(clinic=own[Clinic]).get().treatment
    assert others == hidden
    assert set(treatments_to_offer(user)) == {shown, kept}
    assert set(treatments_to_offer(EditorFactory())) == {shown, kept, hidden}
