"""A facet is added in three places; CONTRIBUTING.md shows this very one."""

import pytest
from django.http import QueryDict
from django.urls import reverse

from clinics.filters import ClinicFilterSet
from clinics.listing_facts import CLINIC_FACETS, OFFER_FACETS, ClinicFacet, OfferFacet, key_number
from clinics.models import Offer, Practitioner
from clinics.search import search
from clinics.search_in_words import PHRASES
from clinics.selection import Selection
from tests.factories import OfferFactory, PractitionerFactory, TreatmentFactory
from tests.search_oracle import TODAY
from treatments.option_filters import OptionsFilter

pytestmark = pytest.mark.django_db

REFUND = OfferFacet(
    "refund",
    keys=tuple(Offer.RefundRule.values),
    key_number=lambda _day: key_number("refund_rule", tuple(Offer.RefundRule.values)),
)
REGISTER = ClinicFacet(
    "register",
    rows=lambda _day: Practitioner.objects.order_by(),
    column="registration_body",
    keys=lambda _vocabulary: ("GMC", "GDC"),
)


class WithRefund(ClinicFilterSet):
    """The directory's filters and one more."""

    refund = OptionsFilter(label="Unused sessions")
    FACET_NAMES = (*ClinicFilterSet.FACET_NAMES, "refund")

    def _choices(self):
        return {**super()._choices(), "refund": dict(Offer.RefundRule.choices)}


@pytest.fixture
def with_refund(monkeypatch):
    """The directory with the facet added."""
    OFFER_FACETS.append(REFUND)
    monkeypatch.setitem(PHRASES, "refund", ", unused sessions: %(options)s")
    monkeypatch.setattr("clinics.views.ClinicFilterSet", WithRefund)
    yield
    OFFER_FACETS.remove(REFUND)


def test_a_facet_of_the_offer_is_on_the_page_and_holds_for_the_same_offer(with_refund, client):
    laser, peel = TreatmentFactory(slug="laser"), TreatmentFactory(slug="peel")
    clinic = OfferFactory(treatment=laser, refund_rule="share").clinic
    OfferFactory(clinic=clinic, treatment=peel, refund_rule="none")
    other = OfferFactory(treatment=peel, refund_rule="share").clinic

    page = client.get(reverse("clinic-list"), {"refund": "share", "treatment": "peel"})
    html = page.content.decode()
    assert 'data-total="1"' in html
    assert f'data-clinic="{other.slug}"' in html
    assert 'data-option="none" data-count="1"' in html
    assert 'data-option="laser" data-count="1"' in html
    assert 'data-applied="refund=share"' in html
    assert ", unused sessions: unused sessions are refunded" in html

    filters = WithRefund(QueryDict("refund=share&refund=nonsense"), TODAY)
    assert filters.selection.chosen == {"refund": ("share",)}
    assert [refused.value for refused in filters.refused] == ["nonsense"]


def test_a_facet_of_the_clinic_counts_each_clinic_once(monkeypatch):
    CLINIC_FACETS.append(REGISTER)
    try:
        one = PractitionerFactory(registration_body="GMC").clinic
        PractitionerFactory(clinic=one, registration_body="GMC")
        PractitionerFactory(registration_body="GDC")
        PractitionerFactory(registration_body="elsewhere")
        answer = search(Selection(chosen={"register": ("GMC",)}), TODAY)
        assert answer.ids == (one.pk,)
        assert answer.counts["register"] == {"GMC": 1, "GDC": 1}
    finally:
        CLINIC_FACETS.remove(REGISTER)
