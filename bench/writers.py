"""Whether answers stay right while clinics are changed: two writers, and a reader meanwhile.

Whatever is written to the database is noted, and done to the generated arrays too as soon as
the writers rest; then answers of the site's own search are held against the right ones.
"""

import sys
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import cycle
from threading import Thread

import numpy as np
from django.db import connection

from clinics.models import Clinic, Offer
from clinics.search import search

from .brute_force import BruteForce
from .mix import mixed, with_words
from .timing import Row
from .vocabulary import SEED
from .world import FACILITIES, STATUSES, World, generate

ROUNDS = 3
WRITERS = 2
CHANGES_A_ROUND = 60
COMPARED_A_ROUND = 20


@dataclass(frozen=True)
class Change:
    """New facts of one clinic, in the terms of `World`; the price is of all its priced offers."""

    clinic: int
    status: int
    facility: int
    age: int
    price: int

    def write(self, today: date) -> None:
        """To the database, in two transactions."""
        day = today - timedelta(days=self.age)
        clinics = Clinic.objects.filter(pk=self.clinic + 1)
        clinics.update(
            status=STATUSES[self.status], facility_type=FACILITIES[self.facility], confirmed_on=day
        )
        Offer.objects.filter(clinic__in=clinics, price_low__isnull=False).update(
            price_low=self.price // 100, price_high=self.price // 100, price_confirmed_on=day
        )

    def note(self, world: World) -> None:
        """In the arrays."""
        world.status[self.clinic] = self.status
        world.facility[self.clinic] = self.facility
        world.confirmed[self.clinic] = self.age
        first, last = np.searchsorted(world.offers.clinic, [self.clinic, self.clinic + 1])
        rows = first + np.flatnonzero(world.offers.price_low[first:last] >= 0)
        world.offers.price_low[rows] = world.offers.price_high[rows] = self.price
        world.offers.confirmed[rows] = self.age


class Writer(Thread):
    """Makes changes through a connection of its own; no two writers touch the same clinic."""

    def __init__(self, world: World, seed: int, of_round: int):
        super().__init__()
        self.today = world.today
        chance = np.random.default_rng([SEED, of_round, seed])
        clinics = chance.choice(world.size // WRITERS, CHANGES_A_ROUND, replace=False)
        self.changes = [
            Change(
                clinic=int(clinic) * WRITERS + seed,
                status=int(chance.integers(2)),
                facility=int(chance.integers(3)),
                age=int(chance.integers(300)),
                price=int(chance.integers(20, 400)) * 100,
            )
            for clinic in clinics
        ]
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            for change in self.changes:
                change.write(self.today)
        except Exception as failure:
            self.failure = failure
        finally:
            connection.close()


def measure(size: int, today: date) -> list[Row]:
    """Rounds of writing while somebody reads, and of comparing while nobody writes."""
    world = generate(size, today)
    right = BruteForce(world)
    name_rank = right.name_rank
    requests = [*mixed(world.vocabulary), *with_words(world.vocabulary)]
    turn = cycle(requests)
    meanwhile = answers = mismatches = 0
    for number in range(ROUNDS):
        writers = [Writer(world, seed, number) for seed in range(WRITERS)]
        for writer in writers:
            writer.start()
        while any(writer.is_alive() for writer in writers):
            request = next(turn)
            search(request.selection, today, request.page)
            meanwhile += 1
        for writer in writers:
            if writer.failure:
                raise writer.failure
            for change in writer.changes:
                change.note(world)
        right = BruteForce(world)
        # No change is one of a name, and to sort a million of them takes a while.
        right.name_rank = name_rank
        for request in requests[number * COMPARED_A_ROUND :][:COMPARED_A_ROUND]:
            wrong = right.mismatches(request, search(request.selection, today, request.page))
            answers += 1
            mismatches += bool(wrong)
            if wrong:
                print("MISMATCH after writing, in", ", ".join(wrong), request, file=sys.stderr)
    figures = {
        "mismatches": mismatches,
        "changes": ROUNDS * WRITERS * CHANGES_A_ROUND,
        "answers_meanwhile": meanwhile,
    }
    return [Row("mismatches-with-writers", size, calls=answers, figures=figures)]
