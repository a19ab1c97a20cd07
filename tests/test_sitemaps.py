"""What search engines are told of: only what is published and real, with true dates."""

import datetime
import re
from xml.etree import ElementTree

import pytest
from django.urls import reverse

from clinics.models import Clinic
from tests.factories import (
    ClinicFactory,
    ContraindicationFactory,
    SourceFactory,
    TreatmentFactory,
)

pytestmark = pytest.mark.django_db

NAMES = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
HOST = "http://testserver"


def entries(client, address, kind="url") -> dict[str, str | None]:
    """Every address that a sitemap lists, with the date beside it."""
    response = client.get(address)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/xml"
    root = ElementTree.fromstring(response.content)  # noqa: S314  (we wrote it ourselves)
    found = [
        (item.findtext("s:loc", namespaces=NAMES), item.findtext("s:lastmod", namespaces=NAMES))
        for item in root.findall(f"s:{kind}", NAMES)
    ]
    assert len(found) == len(dict(found))
    return {address.removeprefix(HOST): date for address, date in found}


def test_the_index_lists_each_section(client):
    assert set(entries(client, "/sitemap.xml", "sitemap")) == {
        "/sitemap-pages.xml",
        "/sitemap-treatments.xml",
        "/sitemap-costs.xml",
        "/sitemap-reasons.xml",
        "/sitemap-sources.xml",
        "/sitemap-clinics.xml",
    }


def test_every_address_of_every_section_answers(client):
    ContraindicationFactory()
    SourceFactory()
    ClinicFactory()
    for section in entries(client, "/sitemap.xml", "sitemap"):
        listed = entries(client, section)
        assert listed
        for address in listed:
            response = client.get(address)
            assert response.status_code == 200
            assert 'content="index,follow"' in response.content.decode()


def test_a_list_of_reasons_is_listed_where_there_is_one(client):
    treatment = TreatmentFactory(last_reviewed=datetime.date(2026, 1, 2))
    TreatmentFactory()
    ContraindicationFactory.create_batch(2, treatment=treatment)
    ContraindicationFactory(treatment=TreatmentFactory(is_published=False))
    assert entries(client, "/sitemap-reasons.xml") == {
        f"{treatment.get_absolute_url()}is-it-for-me/": "2026-01-02",
    }


def test_the_cost_of_each_published_treatment_is_listed(client):
    treatment = TreatmentFactory()
    TreatmentFactory(is_published=False)
    assert entries(client, "/sitemap-costs.xml") == {
        f"{treatment.get_absolute_url()}cost/": None,
    }


def test_a_treatment_is_dated_by_its_last_review(client):
    reviewed = TreatmentFactory(last_reviewed=datetime.date(2026, 3, 1))
    never = TreatmentFactory()
    TreatmentFactory(is_published=False, last_reviewed=datetime.date(2026, 4, 1))
    assert entries(client, "/sitemap-treatments.xml") == {
        reviewed.get_absolute_url(): "2026-03-01",
        never.get_absolute_url(): None,
    }


def test_the_index_dates_a_section_only_when_all_of_it_is_dated(client):
    TreatmentFactory(last_reviewed=datetime.date(2026, 3, 1))
    TreatmentFactory(last_reviewed=datetime.date(2026, 5, 2))
    assert entries(client, "/sitemap.xml", "sitemap")["/sitemap-treatments.xml"] == "2026-05-02"
    TreatmentFactory()
    assert entries(client, "/sitemap.xml", "sitemap")["/sitemap-treatments.xml"] is None


def test_saving_a_treatment_does_not_make_it_newer(client):
    treatment = TreatmentFactory(last_reviewed=datetime.date(2026, 3, 1))
    treatment.save()
    assert list(entries(client, "/sitemap-treatments.xml").values()) == ["2026-03-01"]


def test_only_published_and_real_clinics_are_listed(client):
    listed = ClinicFactory(confirmed_on=datetime.date(2026, 6, 3))
    undated = ClinicFactory()
    ClinicFactory(is_sample=True)
    for status in set(Clinic.Status) - {Clinic.Status.PUBLISHED}:
        ClinicFactory(status=status)
    assert entries(client, "/sitemap-clinics.xml") == {
        listed.get_absolute_url(): "2026-06-03",
        undated.get_absolute_url(): None,
    }


def test_sources_and_pages_carry_no_date(client):
    source = SourceFactory()
    assert entries(client, "/sitemap-sources.xml") == {source.get_absolute_url(): None}
    pages = entries(client, "/sitemap-pages.xml")
    assert {reverse("home"), reverse("treatment-list"), reverse("mesotherapy")} <= set(pages)
    assert set(pages.values()) == {None}


def test_empty_sections_are_still_sitemaps(client):
    assert entries(client, "/sitemap-treatments.xml") == {}
    assert client.get("/sitemap-nothing.xml").status_code == 404


def test_robots_are_told_where_the_sitemap_is(client):
    response = client.get("/robots.txt", headers={"host": "testserver"})
    assert response["Content-Type"].startswith("text/plain")
    lines = response.content.decode().split("\n")
    assert f"Sitemap: {HOST}{reverse('sitemap')}" in lines
    assert not [line for line in lines if re.match("disallow", line, re.I)]
