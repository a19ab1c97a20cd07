"""The generated directory that `make bench` measures: it loads, and its answers are right."""

import datetime

import pytest
from django.db import connection

from bench import mix, plain_django_filter
from bench.brute_force import BruteForce
from bench.loading import load
from bench.world import generate
from clinics.models import Clinic
from clinics.search import search
from clinics.selection import Selection

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="clinics are loaded by COPY"),
]
TODAY = datetime.date(2026, 11, 22)


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
