"""Words that sell: what is found, what is not, and what becomes of it in the admin."""

import re

import pytest
from django.contrib.auth.models import Group
from hypothesis import given
from hypothesis import strategies as st

from clinics.models import Clinic
from tests.factories import (
    ClaimFactory,
    ClinicFactory,
    MembershipFactory,
    OfferFactory,
    SourceFactory,
    StaffFactory,
    StatementFactory,
    SubstanceFactory,
    TreatmentFactory,
)
from tests.forms_of_pages import Form
from treatments.content_files import read_files
from treatments.editing_forms import worded_fields
from treatments.models import Claim, Source, Statement, Treatment
from treatments.wording import PRESCRIPTION_ONLY, RULES, flags_in, fold, reasons, rules_for_scripts


def codes(text) -> list[str]:
    return [flag.rule.code for flag in flags_in(text)]


# --- What is found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("It is painless.", "painless"),
        ("A PAIN-LESS method", "painless"),
        ("painlessly", "painless"),
        ("pain free", "painless"),
        ("páinless", "painless"),
        ("pain\u00adless", "painless"),
        ("pain\u200bless", "painless"),
        ("pain\u2011free", "painless"),
        ("The result is permanent", "permanent"),
        ("permanently slim", "permanent"),
        ("guaranteed", "guaranteed"),
        ("We guarantee it", "guaranteed"),
        ("money back guarantees", "guaranteed"),
        ("FDA approved", "approved"),
        ("FDA-approved", "approved"),
        ("It is FDA\napproved", "approved"),
        ("fda has approved it", "approved"),
        ("approved by the US regulator FDA", "approved"),
        ("approved by the Food and Drug Administration", "approved"),
        ("There is no risk", "no-risk"),
        ("no surgical risks", "no-risk"),
        ("risk-free", "no-risk"),
        ("riskfree", "no-risk"),
        ("without any risks", "no-risk"),
        ("no side-effects", "no-risk"),
        ("It is safe", "safe"),
        ("it's safe", "safe"),
        ("100% safe", "safe"),
        ("safe and effective", "safe"),
        ("the safest method", "safe"),
        ("a miracle", "miracle"),
        ("Miracles happen", "miracle"),
        ("removes toxins", "toxins"),
        ("flushes out all the toxins", "toxins"),
        ("Detox", "toxins"),
        ("a de-toxifying cure", "toxins"),
        ("KYBELLA®", "prescription"),
        ("Belkyra's", "prescription"),
    ],
)
def test_wording_that_sells_is_found_in_every_dress(text, code):
    assert codes(text) == [code]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It hurts.",
        "No pain relief is needed.",
        "A first visit is part of safe care.",
        "Botulinum toxin is another drug.",
        "The French authority approved nothing.",
        "Ask about the risks.",
        "impermanent",
        "The FDA has not approved it.",
    ],
)
def test_plain_words_are_let_be(text):
    assert codes(text) == []


def test_words_are_quoted_as_they_were_written_with_the_reason():
    text = "Wholly  PÁIN-less, they say."
    (flag,) = flags_in(text)
    assert (flag.words, text[flag.start : flag.end]) == ("PÁIN-less", "PÁIN-less")
    (line,) = reasons([flag, flag])
    assert line.startswith("“PÁIN-less”: Needles hurt some people.")


LETTERS = st.text(st.characters(codec="utf-8"), max_size=60)


@given(LETTERS, LETTERS)
def test_no_text_around_hides_a_wording_that_stands_apart(before, after):
    text = f"{before} \n guaranteed . {after}"
    assert "guaranteed" in [flag.words for flag in flags_in(text)]


@given(LETTERS)
def test_every_letter_of_a_folded_text_knows_its_place(text):
    folded, places = fold(text)
    assert len(folded) == len(places)
    assert places == sorted(places)
    assert all(0 <= place < len(text) for place in places)


def test_a_long_text_is_read_quickly():
    text = "no " * 30_000 + "get " * 30_000
    assert flags_in(text) == []


def test_the_rules_mean_the_same_to_a_browser():
    told = rules_for_scripts()
    assert [rule["why"] for rule in told] == [str(rule.why) for rule in RULES]
    for rule in told:
        # What Python and JavaScript read alike: no names, no flags, no looking around.
        assert not re.search(r"\(\?[^:]|\\[AZBG]|[*+?}]\+", rule["pattern"])
        re.compile(rule["pattern"])


def test_brands_on_prescription_are_those_that_the_catalogue_calls_so():
    files = read_files()
    on_prescription = " ".join(
        text for text in texts_of(files) if "prescription" in text or "Sold as" in text
    )
    for brand in PRESCRIPTION_ONLY:
        assert brand in on_prescription


# --- The catalogue itself


def texts_of(data):
    """Every text in the data of a file."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, (dict, list)):
        for value in data.values() if isinstance(data, dict) else data:
            yield from texts_of(value)


NOT_PROSE = {"title", "publisher", "url", "other_urls", "locator", "slug", "id"}


def flagged_without_source(data, inherited=False):
    """Places of flagged texts beside which nobody says who says so."""
    if isinstance(data, list):
        for item in data:
            yield from flagged_without_source(item, inherited)
    elif isinstance(data, dict):
        # A source's own entry says who it is; a substance is sourced in its standing.
        who = ("sources", "source", "checked_against", "statuses", "confidence")
        sourced = inherited or any(data.get(key) for key in who)
        for key, value in data.items():
            if isinstance(value, str) and key not in NOT_PROSE:
                if flags_in(value) and not sourced:
                    yield value
            else:
                yield from flagged_without_source(value)


def test_every_text_of_the_catalogue_says_who_says_so():
    files = read_files()
    assert {name: list(flagged_without_source(data)) for name, data in files.items()} == {
        name: [] for name in files
    }
    # The check is not blind: the catalogue does quote what sellers say.
    assert sum(len(flags_in(text)) for data in files.values() for text in texts_of(data)) > 40


# --- In the admin


@pytest.fixture
def editor(db, client):
    """An editor, signed in."""
    user = StaffFactory()
    user.groups.add(Group.objects.get_or_create(name="Editors")[0])
    client.force_login(user)
    return user


def send(client, row, **values):
    path = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"
    form = Form(client.get(path).content.decode()).values
    return client.post(path, form | {"change_reason": "Test"} | values)


def errors(response) -> str:
    assert response.status_code == 200
    lists = re.findall(r'class="errorlist[^>]*>(.*?)</ul>', response.content.decode(), re.DOTALL)
    return " ".join(lists)


def test_our_own_words_are_read_on_every_page():
    assert worded_fields(Statement) == ["text"]
    assert worded_fields(Claim) == ["words", "qualifier", "known"]
    assert worded_fields(Source) == ["interest", "note"]
    assert set(worded_fields(Treatment)) == {"name", "short_name"}


def test_flagged_words_without_a_source_are_refused_with_the_reason(client, editor):
    statement = StatementFactory(is_ours=True)
    told = errors(send(client, statement, text="It is painless."))
    assert "“painless”: Needles hurt some people." in told
    assert "Attach the source and say who says it" in told
    statement.refresh_from_db()
    assert statement.text != "It is painless."


def test_a_source_beside_flagged_words_is_enough_and_the_editor_is_told(client, editor):
    statement = StatementFactory()
    source = SourceFactory()
    text = "A clinic calls it painless."
    response = send(client, statement, text=text, sources=[source.pk])
    assert response.status_code == 302
    statement.refresh_from_db()
    assert statement.text == text
    page = client.get(response["Location"]).content.decode()
    assert "“painless”: Needles hurt some people." in page


def test_somebody_who_has_read_it_may_leave_it(client, editor):
    substance = SubstanceFactory()
    text = "Sold as Kybella."
    assert "tick below that it is a quotation" in errors(send(client, substance, description=text))
    assert send(client, substance, description=text, wording_read="on").status_code == 302
    substance.refresh_from_db()
    assert substance.description == text


def test_a_claim_has_its_source_by_what_it_is(client, editor):
    claim = ClaimFactory(treatments=[TreatmentFactory()])
    assert send(client, claim, words="It is risk-free.").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("model", ["clinic", "offer"])
def test_a_seller_must_write_it_another_way(client, model):
    clinic = ClinicFactory(description="We inject.")
    client.force_login(MembershipFactory(clinic=clinic).user)
    row = clinic if model == "clinic" else OfferFactory(clinic=clinic)
    field = "description" if model == "clinic" else "label"
    told = errors(send(client, row, **{field: "Guaranteed results"}))
    assert "“Guaranteed”: Nobody can promise a result." in told
    assert "Please write it another way" in told
    assert send(client, row, **{field: "What we do"}).status_code == 302


@pytest.mark.django_db
def test_what_was_stored_before_does_not_stop_another_change(client):
    clinic = ClinicFactory(description="A miracle.")
    client.force_login(MembershipFactory(clinic=clinic).user)
    assert send(client, clinic, postcode="75001").status_code == 302
    assert Clinic.objects.get().postcode == "75001"


# --- What a claim and a source must be


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"low": "5", "high": "4"}, "The lower end is above the upper end."),
        ({"low": "-1"}, "Write a number from 0 upwards."),
        ({"unit": ""}, "A number needs a unit."),
        ({"unit": "minute"}, "a number is counted in sessions, weeks."),
        ({"topic": "pain", "unit": "money", "currency": "EUR", "per": "session"}, "Only the topic"),
        ({"topic": "cost", "unit": "money", "per": "session"}, "needs its currency"),
        (
            {"topic": "cost", "unit": "money", "currency": "eur"},
            "Say what the amount of money buys",
        ),
        ({"currency": "EUR"}, "Only an amount of money has a currency."),
        ({"topic": "cost", "unit": "money", "currency": "E1"}, "Write three letters"),
        ({"verdict": "false"}, "Say what is known"),
        ({"question": "is-permanent"}, "Choose the answer"),
        ({"answer": "yes"}, "Choose the question"),
        ({"question": "is-permanent", "answer": "skin"}, "answered by one of: Yes, No,"),
        ({"question": "which-layer", "answer": "yes"}, "answered by one of: Into the skin,"),
        ({"treatments": []}, "Choose a treatment, or tick"),
        ({"locator": ""}, "This field is required."),
        ({"source": ""}, "This field is required."),
    ],
)
def test_a_claim_that_no_reader_could_understand_is_refused(client, editor, values, message):
    claim = ClaimFactory(treatments=[TreatmentFactory()])
    assert message in errors(send(client, claim, **values))


def test_a_price_is_stored_with_its_currency_in_capitals(client, editor):
    claim = ClaimFactory(treatments=[TreatmentFactory()])
    values = {"topic": "cost", "unit": "money", "currency": "eur", "per": "area"}
    assert send(client, claim, **values).status_code == 302
    claim.refresh_from_db()
    assert (claim.currency, claim.per) == ("EUR", "area")


def test_a_claim_that_looks_like_another_is_stored_with_a_warning(client, editor):
    first = ClaimFactory(low=3, high=4)
    second = ClaimFactory(low=5, high=6, source=first.source, treatments=[TreatmentFactory()])
    response = send(client, second, low="3", high="4")
    page = client.get(response["Location"]).content.decode()
    assert f"Claim {first.reference} of the same source looks the same." in page


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"year": "20"}, "Write the year of publication"),
        ({"year": "2999"}, "Write the year of publication"),
        ({"url": "", "publisher": ""}, "give its address"),
        ({"url": "not an address"}, "Enter a valid URL."),
        ({"other_urls": "ftp://example.org"}, "is no address of a page"),
        ({"other_urls": "https://a.example\nhttps://a.example"}, "An address stands here twice."),
        ({"kind": ""}, "This field is required."),
    ],
)
def test_a_source_that_nobody_could_find_again_is_refused(client, editor, values, message):
    assert message in errors(send(client, SourceFactory(), **values))


def test_a_source_that_looks_like_another_is_stored_with_a_warning(client, editor):
    first, second = SourceFactory(), SourceFactory()
    response = send(client, second, url=first.url)
    page = client.get(response["Location"]).content.decode()
    assert f"“{first.slug}” looks like the same source." in page


def test_a_review_is_told_whole_or_not_at_all(client, editor):
    treatment = TreatmentFactory()
    told = errors(send(client, treatment, last_reviewed="2026-05-01"))
    assert told.count("A review has its day, the day of the next, and a name.") == 2
    whole = {"next_review_due": "2027-05-01", "reviewed_by": "The editors"}
    assert send(client, treatment, last_reviewed="2026-05-01", **whole).status_code == 302
