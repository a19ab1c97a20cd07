"""Who works for several clinics can look at one of them; no address shows more than is own."""

import re
from itertools import count

import pytest
from django.utils import timezone

from clinics.home_page import home_of
from clinics.models import Correction, Enquiry, Offer, Practitioner, Proposal, ReplyTemplate
from tests.factories import (
    ClinicFactory,
    CorrectionFactory,
    EditorFactory,
    EnquiryFactory,
    MembershipFactory,
    OfferFactory,
    PractitionerFactory,
    ProposalFactory,
    ReplyTemplateFactory,
    StaffFactory,
)

pytestmark = pytest.mark.django_db
CANARY = "Rivalcanary"
MISSING = 987_654
# Of one row of a clinic only one change may wait.
ROW_IDS = count(1)


def proposal(clinic):
    return ProposalFactory(clinic=clinic, subject="offer", row_id=next(ROW_IDS))


# A list, and how to make a row of it.
LISTS = {
    Enquiry: EnquiryFactory,
    Correction: CorrectionFactory,
    Proposal: proposal,
    Offer: OfferFactory,
    Practitioner: PractitionerFactory,
    ReplyTemplate: ReplyTemplateFactory,
}


def list_page(client, model, **query):
    return client.get(f"/admin/clinics/{model._meta.model_name}/", query)


def rows_of(answer) -> set[int]:
    """The keys of the rows that a list shows."""
    return {row.pk for row in answer.context["cl"].result_list}


def offered(answer) -> list[str]:
    """What the filter by clinic offers, as it reads; [] where it is not shown."""
    cl = answer.context["cl"]
    filters = [one for one in cl.filter_specs if one.expected_parameters() == ["clinic"]]
    return [str(choice["display"]) for one in filters for choice in one.choices(cl)]


def filters_by_clinic(html: str) -> int:
    return len(re.findall(r"By clinic", html))


@pytest.fixture
def own(client):
    """The two clinics of the person who is signed in, A and B."""
    user = StaffFactory()
    clinics = [ClinicFactory(name=name) for name in ("Clinic A", "Clinic B")]
    for clinic in clinics:
        MembershipFactory(user=user, clinic=clinic)
    client.force_login(user)
    return clinics


@pytest.fixture
def rival(db):
    return ClinicFactory(name=CANARY)


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_a_list_is_narrowed_to_one_own_clinic_with_true_counts(client, own, rival, model):
    in_a = {LISTS[model](clinic=own[0]).pk for _number in range(2)}
    in_b = {LISTS[model](clinic=own[1]).pk}
    LISTS[model](clinic=rival)

    everything = list_page(client, model)
    assert rows_of(everything) == in_a | in_b
    assert offered(everything) == ["All", "Clinic A (2)", "Clinic B (1)"]
    assert filters_by_clinic(everything.content.decode()) == 1
    assert CANARY not in everything.content.decode()

    # The numbers of the other choices stay what they would be.
    for asked, found in ((own[0].pk, in_a), (rival.pk, set()), (MISSING, set())):
        answer = list_page(client, model, clinic=asked)
        assert (answer.status_code, rows_of(answer)) == (200, found)
        assert offered(answer) == ["All", "Clinic A (2)", "Clinic B (1)"]
        assert CANARY not in answer.content.decode()


def test_what_is_no_key_of_a_clinic_shows_nothing(client, own):
    OfferFactory(clinic=own[0])
    for asked in (10**40, -1, "²", "\0"):
        answer = list_page(client, Offer, clinic=asked)
        assert (answer.status_code, rows_of(answer)) == (200, set()), asked


@pytest.mark.parametrize("model", [Enquiry, Offer])
def test_who_works_for_one_clinic_is_offered_no_choice_and_sees_no_other(client, rival, model):
    clinic = MembershipFactory(clinic__name="Only clinic").clinic
    client.force_login(clinic.memberships.get().user)
    row = LISTS[model](clinic=clinic)
    LISTS[model](clinic=rival)
    # With its key: the address of the links on the home of the clinic.
    for query in ({}, {"clinic": clinic.pk}, {"clinic": ""}):
        answer = list_page(client, model, **query)
        assert rows_of(answer) == {row.pk}
        assert filters_by_clinic(answer.content.decode()) == 0
        assert not answer.context["cl"].has_active_filters
    answer = list_page(client, model, clinic=rival.pk)
    # With a way back to all that is own.
    assert (rows_of(answer), offered(answer)) == (set(), ["All", "Only clinic (1)"])


def test_an_editor_narrows_to_any_clinic_and_is_not_offered_all_of_them(client, rival):
    client.force_login(EditorFactory())
    clinic = ClinicFactory(name="Clinic A")
    offer = OfferFactory(clinic=clinic)
    other = OfferFactory(clinic=rival)
    answer = list_page(client, Offer)
    assert (rows_of(answer), offered(answer)) == ({offer.pk, other.pk}, [])
    answer = list_page(client, Offer, clinic=clinic.pk)
    assert (rows_of(answer), offered(answer)) == ({offer.pk}, ["All", "Clinic A (1)"])
    assert rows_of(list_page(client, Offer, clinic=MISSING)) == set()


def test_numbers_above_the_inbox_and_beside_a_status_are_of_the_clinic_chosen(client, own):
    for clinic in (own[0], own[0], own[1]):
        EnquiryFactory(clinic=clinic)
        proposal(clinic)
    inbox = list_page(client, Enquiry, clinic=own[1].pk)
    assert next(count for _label, count in inbox.context["counts"]) == 1
    changes = list_page(client, Proposal, clinic=own[1].pk)
    assert changes.context["title"] == "Changes to review: 1 is waiting"
    assert "waiting (1)" in changes.content.decode()
    everything = list_page(client, Proposal)
    assert everything.context["title"] == "Changes to review: 3 are waiting"


def test_a_file_holds_what_the_narrowed_list_holds(client, own, rival):
    for clinic, label in ((own[0], "from A"), (own[1], "from B"), (rival, CANARY)):
        OfferFactory(clinic=clinic, label=label)

    def exported(clinic) -> str:
        answer = client.get("/admin/clinics/offer/export/csv/", {"clinic": clinic.pk})
        return answer.getvalue().decode()

    assert "from A" in exported(own[0])
    assert "from B" not in exported(own[0])
    assert "from A" not in exported(rival)
    assert CANARY not in exported(rival)


def test_patients_words_are_exported_of_the_clinic_chosen_alone(client, own, rival):
    """The tick “all of them” goes by the narrowed list, and never beyond what is own."""
    rows = [EnquiryFactory(clinic=clinic) for clinic in (*own, rival)]
    form = {
        "action": "export",
        "_selected_action": [row.pk for row in rows],
        "select_across": "1",
    }
    told = client.post(f"/admin/clinics/enquiry/?clinic={own[0].pk}", form).content.decode()
    assert [row.reference in told for row in rows] == [True, False, False]


def test_a_new_offer_is_for_the_clinic_whose_list_was_open(client, own, rival):
    def suggested(clinic_id):
        page = client.get(
            "/admin/clinics/offer/add/", {"_changelist_filters": f"clinic={clinic_id}"}
        )
        return page.context["adminform"].form.initial.get("clinic")

    assert suggested(own[1].pk) == own[1].pk
    assert [suggested(asked) for asked in (rival.pk, "x")] == [None, None]


def test_the_links_of_a_home_lead_to_lists_of_that_clinic_alone(client, own):
    for clinic in own:
        EnquiryFactory(clinic=clinic, waiting_since=timezone.now())
        CorrectionFactory(clinic=clinic)
        ProposalFactory(clinic=clinic)
        for _number in range(2):
            OfferFactory(clinic=clinic, price_low=None, price_high=None)
    home = home_of(own[0])
    links = [thing.url for thing in home.waiting] + [fact.url for fact in home.missing]
    lists = [link for link in links if "/change/" not in link and "/preview/" not in link]
    assert len({link.partition("?")[0] for link in lists}) == 4
    for link in lists:
        found = client.get(link).context["cl"].result_list
        assert {row.clinic_id for row in found} == {own[0].pk}, link
    page = client.get(f"/admin/clinics/clinic/{own[0].pk}/home/").content.decode()
    assert f'href="/admin/clinics/enquiry/?clinic={own[0].pk}"' in page
