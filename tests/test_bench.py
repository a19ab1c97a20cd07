"""The generated directory that `make bench` measures: it loads, and its answers are right."""

import datetime

import pytest
from django.db import connection

from bench import mix, plain_django_filter
from bench.brute_force import BruteForce
from bench.loading import load
from bench.world import generate
from clinics import offer_columns, option_counts, place_counts, result_order
from clinics.models import Clinic
from clinics.search import search
from clinics.selection import Selection

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="clinics are loaded by COPY"),
]
TODAY = datetime.date(2026, 11, 22)


@pytest.fixture(params=["few", "many"])
def shortcuts(request, monkeypatch):
    """What an index of many clinics does, with few: the bounds above which it is worth while."""
    if request.param == "many":
        monkeypatch.setattr(result_order, "_HEAD", 50)
        monkeypatch.setattr(result_order, "_MANY_HEADS", 1)
        monkeypatch.setattr(result_order, "_FEW", 10)
        monkeypatch.setattr(place_counts, "_FEW", 0)
        monkeypatch.setattr(option_counts, "_FEW", 0)
        monkeypatch.setattr(option_counts, "_DENSE", 10)
        monkeypatch.setattr(offer_columns, "_FEW", 0)


@pytest.mark.usefixtures("shortcuts")
def test_answers_over_generated_clinics_are_right():
    world = generate(200, TODAY)
    load(world)
    assert Clinic.objects.count() == 200
    right = BruteForce(world)
    for requests in (mix.mixed, mix.with_words, mix.with_distance):
        for request in requests(world.vocabulary, 5):
            answer = search(request.selection, TODAY, request.page)
            assert right.mismatches(request, answer) == []


def test_plain_django_filter_finds_what_the_site_finds_where_nothing_is_asked_of_offers():
    world = generate(200, TODAY)
    load(world)
    request = mix.Request(Selection(chosen={"facility": ("medical-clinic",)}, sort="name"))
    total, ids, counts = plain_django_filter.answer(request, TODAY)
    right = BruteForce(world).answer(request)
    assert (total, tuple(ids)) == (right.total, right.ids)
    assert counts["language"] == right.counts["language"]
