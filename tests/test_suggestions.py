"""The list under a search box while a visitor types, as the server writes it."""

import re

import pytest
from django.urls import reverse

from clinics.search import SUGGESTIONS_A_KIND
from tests.factories import (
    AliasFactory,
    ClinicFactory,
    OfferFactory,
    PlaceFactory,
    TreatmentFactory,
)

pytestmark = pytest.mark.django_db


def ask(client, words):
    return client.get(reverse("suggest"), {"q": words})


def listed(client, words) -> list[tuple[str, str]]:
    """The options in their order, as (where it leads, its text)."""
    html = ask(client, words).content.decode()
    found = re.findall(r'<a [^>]*role="option"[^>]*href="([^"]+)">(.*?)</a>', html, re.S)
    return [(href, re.sub(r"<[^>]+>", "", text)) for href, text in found]


@pytest.fixture
def mesa(france, istanbul):
    """Of everything one that starts with "mesa", and hidden ones beside them."""
    town = PlaceFactory(slug="mesa", name="Mesa", country=france)
    treatment = TreatmentFactory(slug="mesalift", short_name="Mesalift")
    OfferFactory(
        clinic=ClinicFactory(slug="mesa-clinic", name="Mesa Clinic", place=istanbul),
        treatment=treatment,
    )
    ClinicFactory(slug="other", name="Other", place=town)
    hidden = ClinicFactory(
        slug="hidden",
        name="Mesa Hidden",
        status="draft",
        place=PlaceFactory(slug="mesa-north", name="Mesa North", country=france),
    )
    draft = TreatmentFactory(name="Mesa draft", short_name="Mesa draft", is_published=False)
    OfferFactory(clinic=hidden, treatment=draft)


def test_treatments_then_places_then_clinics_with_what_they_lead_to(client, mesa):
    suggested = listed(client, "mesa")
    assert suggested == [
        ("/clinics/?treatment=mesalift", "Mesalift 1 clinic"),
        ("/clinics/?city=mesa", "Mesa, France 1 clinic"),
        ("/clinics/mesa-clinic/", "Mesa Clinic Istanbul"),
    ]
    for address, _text in suggested:
        html = client.get(address).content.decode()
        assert "Mesa" in html


def test_groups_are_named_and_the_number_is_said(client, mesa):
    html = ask(client, "mesa").content.decode()
    groups = re.findall(r'role="group" aria-labelledby="([^"]+)"', html)
    titles = dict(re.findall(r'role="presentation" id="([^"]+)">([^<]+)<', html))
    assert [titles[group] for group in groups] == ["Treatments", "Places", "Clinics"]
    assert 'data-status="3 suggestions"' in html
    assert 'data-status="1 suggestion"' in ask(client, "mesal").content.decode()
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_a_country_is_a_place(client, mesa):
    assert listed(client, "fran") == [("/clinics/?country=france", "France 1 clinic")]


def test_another_name_of_a_treatment_finds_it(client, mesa):
    offer = OfferFactory(treatment=TreatmentFactory(slug="cellulite", short_name="Cellulite"))
    AliasFactory(treatment=offer.treatment, name="Orange peel")
    assert listed(client, "ORÀNGE") == [("/clinics/?treatment=cellulite", "Cellulite 1 clinic")]


@pytest.mark.parametrize("words", ["", "   ", "\x00", "zzz", "(", "mesa zzz"])
def test_nothing_is_an_empty_list(client, mesa, words):
    response = ask(client, words)
    assert response.status_code == 200
    assert listed(client, words) == []
    assert 'role="listbox"' in response.content.decode()
    assert 'data-status="0 suggestions"' in response.content.decode()


def test_without_a_parameter_the_list_is_empty(client, mesa):
    assert b'role="option"' not in client.get(reverse("suggest")).content


def test_of_each_kind_only_a_few_are_suggested(client):
    for number in range(SUGGESTIONS_A_KIND + 2):
        ClinicFactory(slug=f"mesa-{number}", name=f"Mesa {number}")
    assert len(listed(client, "mesa")) == SUGGESTIONS_A_KIND


def test_a_name_is_text(client):
    ClinicFactory(slug="bad", name="Mesa <img src=x onerror=alert(1)>")
    html = ask(client, "mesa").content.decode()
    assert "<img" not in html
    assert "Mesa &lt;img" in html


def test_it_is_kept_for_a_minute_by_the_browser_alone_and_never_indexed(client, mesa):
    response = ask(client, "mesa")
    assert response.headers["Cache-Control"] == "private, max-age=60"
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert dict(response.cookies) == {}


@pytest.mark.parametrize("number", [1, 3])
def test_it_costs_the_same_queries_for_one_clinic_and_three(
    client, django_assert_num_queries, number
):
    for _ in range(number):
        OfferFactory(clinic=ClinicFactory(name="Mesa"))
    ask(client, "mesa")
    with django_assert_num_queries(2):
        ask(client, "mesa")


@pytest.mark.parametrize("page", ["home", "clinic-list"])
def test_search_boxes_know_where_to_ask_and_are_plain_without_a_script(client, page):
    html = client.get(reverse(page)).content.decode()
    box = re.search(r'<input[^>]+name="q"[^>]*>', html)[0]
    assert 'data-suggestions="/suggest/"' in box
    assert 'type="search"' in box
    assert "role=" not in box
