"""The page "What will it cost me" as a patient's browser receives it."""

import datetime
import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinics.course_cost import Buys
from tests.factories import (
    ClaimFactory,
    ClinicFactory,
    CurrencyFactory,
    OfferFactory,
    SourceFactory,
    StatementFactory,
    TreatmentFactory,
)
from treatments.models import Claim, Source, Statement, Treatment

pytestmark = pytest.mark.django_db

Kind, Topic, Unit, Per = Source.Kind, Claim.Topic, Claim.Unit, Claim.Per
BUDGET = 11


def says(treatment, low, high, kind=Kind.TRIAL, **values) -> Claim:
    """A claim by a source of its own."""
    return ClaimFactory(
        treatments=[treatment], source=SourceFactory(kind=kind), low=low, high=high, **values
    )


def says_price(treatment, low, high, currency="USD", per=Per.SESSION, **values) -> Claim:
    return says(
        treatment,
        low,
        high,
        topic=Topic.COST,
        unit=Unit.MONEY,
        currency=currency,
        per=per,
        **values,
    )


@pytest.fixture
def cellulite():
    """Three to fifteen sessions at 200 to 600 dollars, by sources; two dollars are one euro."""
    CurrencyFactory()
    CurrencyFactory(code="USD", per_euro=2, rate_date=datetime.date(2026, 10, 30))
    treatment = TreatmentFactory(slug="cellulite")
    says(treatment, 3, 4)
    says(treatment, 10, 15, Kind.GUIDE)
    says_price(treatment, 200, 600)
    return treatment


@pytest.fixture
def ask(client, cellulite):
    """Return a function that asks the page with a query and gives its words and its HTML."""

    def page(query="", status=200):
        response = client.get(f"/treatments/cellulite/cost/{query and '?'}{query}")
        assert response.status_code == status
        return Page(response.content.decode())

    return page


class Page:
    """The page's HTML, its visible words, its sums, and what stands in its fields."""

    def __init__(self, source: str):
        self.html = source
        self.words = self._text(source)

    @staticmethod
    def _text(fragment: str) -> str:
        return " ".join(html.unescape(re.sub("<[^>]+>", " ", fragment)).split())

    def sum(self, name: str) -> str:
        """The words of one figure: "course" or "first-year"."""
        block = re.search(rf'<div[^>]*data-sum="{name}">(.*?)</div>', self.html, re.S)[1]
        return self._text(block)

    @property
    def result(self) -> str:
        block = re.search(r"<section[^>]*data-cost-result>(.*?)</section>", self.html, re.S)[1]
        return self._text(block)

    def field(self, name: str) -> str:
        """What stands in a field."""
        tag = re.search(rf'<input[^>]* name="{name}"[^>]*>', self.html)[0]
        found = re.search(r'value="([^"]*)"', tag)
        return html.unescape(found[1]) if found else ""

    def chosen(self, name: str) -> str:
        block = re.search(rf'<select[^>]* name="{name}".*?</select>', self.html, re.S)[0]
        found = re.search(r'<option value="([^"]*)" selected', block)
        return found[1] if found else ""

    @property
    def problems(self) -> list[str]:
        """The messages at the head of the page."""
        block = re.search(r'<ul class="error-summary__list">(.*?)</ul>', self.html, re.S)
        return (
            [self._text(item) for item in re.findall("<li>(.*?)</li>", block[1])] if block else []
        )


# --- where the figures come from


def test_the_sum_starts_from_what_sources_state(ask):
    page = ask()
    assert page.sum("course") == (
        "Whole course $600 to $9,000 about €300 to €4,500, at rates of 30 Oct 2026"
    )
    assert "3 to 15 sessions × $200 to $600" in page.result
    assert [page.field(f"sessions_{end}") for end in ("low", "high")] == ["3", "15"]
    assert [page.field(f"price_{end}") for end in ("low", "high")] == ["200", "600"]
    assert (page.chosen("currency"), page.chosen("buys")) == ("USD", "session")
    assert page.problems == []


def test_each_figure_names_its_sources(ask, cellulite):
    page = ask()
    for claim in cellulite.claims.all():
        assert f'data-claim="{claim.reference}"' in page.html
        assert claim.source.name in page.words
    assert "2 sources, they disagree" in page.words


def test_nothing_is_put_in_the_place_of_repeats(ask):
    page = ask()
    assert page.sum("first-year") == (
        "First year, with repeats cannot be worked out "
        "The number of repeat sessions is not given. Each would add $200 to $600."
    )
    assert [page.field(f"repeats_{end}") for end in ("low", "high")] == ["", ""]


def test_without_a_price_or_sessions_nothing_is_worked_out(client):
    treatment = TreatmentFactory()
    page = Page(client.get(f"{treatment.get_absolute_url()}cost/").content.decode())
    assert "No price is given. We put none in its place." in page.sum("course")
    says_price(treatment, 200, 600)
    page = Page(client.get(f"{treatment.get_absolute_url()}cost/").content.decode())
    assert "The number of sessions is not given." in page.sum("course")


def test_weeks_are_not_taken_for_sessions_nor_an_open_end_for_a_number(client):
    treatment = TreatmentFactory()
    says(treatment, 4, 6, unit=Unit.WEEK)
    says_price(treatment, 200, None)
    page = Page(client.get(f"{treatment.get_absolute_url()}cost/").content.decode())
    fields = [
        page.field(f"{name}_{end}") for name in ("sessions", "price") for end in ("low", "high")
    ]
    assert fields == ["", "", "", ""]
    assert "One end is open, so no sum can start from it." in page.words


def test_what_is_false_is_not_begun_with(client):
    treatment = TreatmentFactory()
    says_price(treatment, 5, 9, verdict=Claim.Verdict.FALSE, known="No.")
    page = Page(client.get(f"{treatment.get_absolute_url()}cost/").content.decode())
    assert page.field("price_low") == ""


def test_our_listings_stand_beside_the_sources_and_samples_are_called_fictional(ask, cellulite):
    for price in (80, 120):
        clinic = ClinicFactory(is_sample=True)
        OfferFactory(
            treatment=cellulite,
            clinic=clinic,
            price_low=price,
            price_high=price + 20,
            sessions_low=4,
            sessions_high=6,
            consultation_fee=30,
        )
    hidden = ClinicFactory(status="suspended")
    OfferFactory(
        treatment=cellulite,
        clinic=hidden,
        price_low=1,
        price_high=1,
        sessions_low=1,
        sessions_high=1,
    )
    page = ask()
    assert "€80 to €140 for one session" in page.words
    assert "2 clinics listed here plan 4 to 6." in page.words
    assert "2 clinics listed here ask €30." in page.words
    assert "Fictional sample listings are among them: their prices are invented." in page.words
    link = html.unescape(re.findall(r'href="\?([^"]*)"', page.html)[-1])
    begun = ask(link)
    assert begun.sum("course").startswith("Whole course €240 to €2,100")
    assert "The price is what clinics listed here ask." in begun.result


def test_listings_serve_where_no_source_states_a_price(client):
    treatment = TreatmentFactory()
    says(treatment, 2, 3)
    OfferFactory(treatment=treatment)
    page = Page(client.get(f"{treatment.get_absolute_url()}cost/").content.decode())
    assert page.sum("course").startswith("Whole course €200 to €450")


# --- one's own numbers


def test_every_line_of_the_sum_is_printed(ask):
    page = ask(
        "sessions_low=4&sessions_high=6&price_low=100&price_high=120&buys=area&areas=2"
        "&currency=EUR&consultation_low=50&consultation_high=50&anaesthesia_low=0"
        "&anaesthesia_high=10&repeats_low=1&repeats_high=2"
    )
    assert page.sum("course") == "Whole course €850 to €1,550"
    assert page.sum("first-year") == "First year, with repeats €1,050 to €2,050"
    for line in (
        "4 to 6 sessions × 2 areas × €100 to €120 €800 to €1,440",
        "4 to 6 sessions × €0 to €10 for pain relief €0 to €60",
        "First consultation €50",
        "1 to 2 repeat sessions × €200 to €250 €200 to €500",
        "The price is your own number.",
    ):
        assert line in page.result


def test_a_field_left_empty_is_not_known_and_one_not_named_keeps_what_is_stated(ask):
    assert ask("sessions_low=2&sessions_high=2").sum("course").startswith("Whole course $400 to")
    emptied = ask("price_low=&price_high=")
    assert "cannot be worked out" in emptied.sum("course")
    assert emptied.field("price_low") == ""


def test_areas_that_change_nothing_are_said_to(ask):
    assert "the number of areas changes nothing" in ask("areas=3").result
    assert "the number of areas changes nothing" not in ask("areas=1").result


def test_figures_kept_under_another_currency_are_asked_about(ask):
    page = ask("price_low=200&price_high=600&currency=EUR")
    assert (
        "The price is the same number as the stated $200 to $600, but you chose EUR." in page.words
    )
    assert "Is the currency right?" not in ask("price_low=201&price_high=600&currency=EUR").words
    assert "Is the currency right?" not in ask().words


def test_sums_are_shown_in_the_currency_chosen_or_not_at_all(ask):
    assert "about" not in ask("show_in=USD").sum("course")
    CurrencyFactory(code="XTS", per_euro=None, rate_date=None)
    assert ask("show_in=XTS").problems == [
        "Show the sums in: We hold no rate for this currency. Choose another."
    ]


def test_a_price_in_a_currency_without_a_rate_is_worked_with_and_not_converted(client):
    treatment = TreatmentFactory()
    says(treatment, 2, 2)
    says_price(treatment, 10, 20, currency="BRL")
    page = Page(client.get(f"{treatment.get_absolute_url()}cost/").content.decode())
    assert page.sum("course") == "Whole course R$20 to R$40"
    assert "We hold no rate for BRL, so nothing is converted." in page.result


# --- what is wrong


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("price_low=abc", "Price: Write a number, such as 120."),
        ("price_low=-1", "Price: Ensure this value is greater than or equal to 0."),
        ("price_low=NaN", "Price: Write a number, such as 120."),
        ("price_low=700", "Price: The first number is above the second."),
        ("price_low=", "Price: Write both numbers. If there is only one, write it twice."),
        ("sessions_low=0", "Number of sessions: Write a whole number from 1 to 99."),
        ("sessions_high=1e9", "Number of sessions: Write a whole number from 1 to 99."),
        ("sessions_low=%00", "Number of sessions: Write a whole number from 1 to 99."),
        ("areas=21", "Number of areas: Write a whole number from 1 to 20."),
        ("repeats_low=1", "Repeat sessions in the first year: Write both numbers."),
        ("buys=%00", "This price is for: Choose one of the three."),
        ("buys=", "This price is for: Choose one of the three."),
        ("currency=ZZZ", "Amounts are in: We hold no rate for this currency. Choose another."),
        ("currency=", "Amounts are in: Choose a currency."),
        ("areas=1&areas=2", "Number of areas: The address gives this more than once."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_worked_out(ask, query, problem):
    page = ask(query)
    (told,) = page.problems
    assert told.startswith(problem)
    assert page.result.endswith("Nothing is worked out until the marked fields are mended.")
    assert 'aria-invalid="true"' in page.html


def test_a_currency_that_is_not_known_does_not_turn_into_the_first_of_the_list(ask):
    page = ask("currency=ZZZ")
    block = re.search(r'<select[^>]* name="currency".*?</select>', page.html, re.S)[0]
    assert re.findall(r'<option value="([^"]*)"', block)[0] == ""


def test_what_was_typed_is_kept_and_escaped(ask):
    page = ask("price_low=%3Cscript%3E")
    assert page.field("price_low") == "<script>"
    assert "<script>" not in page.html.split("<main")[1]


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "price_low",
                "price_high",
                "sessions_low",
                "sessions_high",
                "areas",
                "buys",
                "currency",
                "show_in",
                "repeats_low",
                "repeats_high",
                "consultation_low",
                "anaesthesia_high",
            ]
        ),
        st.text(max_size=30) | st.sampled_from(["1", "9", "1e400", "-0", "٣", "USD", "course"]),
        max_size=5,
    )
)
def test_no_query_breaks_the_page(client, cellulite, query):
    assert client.get("/treatments/cellulite/cost/", query).status_code == 200


# --- the page among the others


def test_only_published_treatments_have_a_cost(client):
    hidden = TreatmentFactory(is_published=False)
    assert client.get(f"{hidden.get_absolute_url()}cost/").status_code == 404


def test_what_clinics_cannot_list_has_a_cost_without_listings(client):
    surgery = TreatmentFactory(kind=Treatment.Kind.COMPARISON)
    says_price(surgery, 3000, 8500, currency="GBP", per=Per.COURSE)
    page = Page(client.get(f"{surgery.get_absolute_url()}cost/").content.decode())
    assert page.sum("course").startswith("Whole course £3,000 to £8,500")
    assert "listed here" not in page.result


def test_the_treatment_page_shows_the_range_and_leads_here(client, cellulite):
    page = Page(client.get(cellulite.get_absolute_url()).content.decode())
    assert page.html.count('href="/treatments/cellulite/cost/"') == 2
    assert "What will it cost me? $600 to $9,000 3 to 15 sessions × $200 to $600." in page.words
    assert "It may be more" not in page.words
    says(cellulite, 12, None)
    page = Page(client.get(cellulite.get_absolute_url()).content.decode())
    assert "It may be more: not every source sets an upper end." in page.words


@pytest.mark.parametrize("copies", [1, 3])
def test_the_page_costs_the_same_queries_with_one_of_everything_and_three(
    client, django_assert_num_queries, copies
):
    treatment = TreatmentFactory()
    for _copy in range(copies):
        says(treatment, 3, 4)
        says_price(treatment, 100, 200)
        source = SourceFactory()
        StatementFactory(treatment=treatment, section=Statement.Section.COST, sources=[source])
        OfferFactory(treatment=treatment, sessions_low=3, sessions_high=4, consultation_fee=10)
    with django_assert_num_queries(BUDGET):
        assert client.get(f"{treatment.get_absolute_url()}cost/").status_code == 200


def test_every_kind_of_price_has_its_words_in_the_form():
    assert {Buys(value) for value in Per.values} == set(Buys)
