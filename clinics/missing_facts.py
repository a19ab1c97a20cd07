"""What a listing does not say yet, and why patients ask for it. A list, never a score."""

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .lists_of_a_clinic import list_of
from .models import Clinic, Offer


@dataclass(frozen=True)
class MissingFact:
    """Something that the listing does not say: what, why it matters, where to say it.

    `names` are the treatments or people that lack it; empty when it is about the whole listing.
    """

    what: str
    why: str
    url: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """How to find one kind of gap. `lacking` gives the rows that lack it; they have a `str`.

    `part` is where on the clinic's form it is filled in; rows of offers have pages of their own.
    """

    what: Promise
    why: Promise
    lacking: Callable[[Clinic, list[Offer]], list]
    part: str = ""


def _offers_that(lack: Callable[[Offer], bool]) -> Callable[[Clinic, list[Offer]], list]:
    return lambda _clinic, offers: [offer for offer in offers if lack(offer)]


def _clinic_that(lacks: Callable[[Clinic], bool]) -> Callable[[Clinic, list[Offer]], list]:
    return lambda clinic, _offers: [clinic] if lacks(clinic) else []


RULES = (
    Rule(
        _("Any treatment"),
        _("Without one, no search for a treatment finds you."),
        _clinic_that(lambda clinic: not clinic.offers.all()),
        "offers-group",
    ),
    Rule(
        _("Who injects"),
        _("It is what patients ask first: who holds the needle, and with what training."),
        _clinic_that(lambda clinic: not clinic.practitioners.all()),
        "practitioners-group",
    ),
    Rule(
        _("Registration number"),
        _("With it a patient can look the person up on the register."),
        lambda clinic, _offers: [
            person for person in clinic.practitioners.all() if not person.registration_number
        ],
        "practitioners-group",
    ),
    Rule(
        _("Price"),
        _("Patients compare before they call. Without a price they cannot plan."),
        _offers_that(
            lambda offer: not offer.has_price and offer.course_price is None,
        ),
    ),
    Rule(
        _("What is injected"),
        _("Patients are told to ask for name and maker, and never to accept a secret mixture."),
        _offers_that(lambda offer: not offer.names_product),
    ),
    Rule(
        _("How many sessions"),
        _("Without it we cannot work out what a whole course costs."),
        _offers_that(lambda offer: offer.sessions_low is None),
    ),
    Rule(
        _("Where on the body"),
        _("Many search by the part of the body that they want treated."),
        _offers_that(lambda offer: not offer.body_areas.all()),
    ),
    Rule(
        _("What is given against pain"),
        _("It is the worry that patients name most before a first visit."),
        _offers_that(lambda offer: not offer.says_pain_relief),
    ),
    Rule(
        _("What the first consultation costs"),
        _("A fee that comes as a surprise costs trust. Write 0 if it is free."),
        _offers_that(lambda offer: offer.consultation_fee is None),
    ),
    Rule(
        _("What happens to unused sessions"),
        _("Who pays for a course wants to know what comes back after stopping early."),
        _offers_that(
            lambda offer: (
                offer.course_price is not None and offer.refund_rule == Offer.RefundRule.NOT_SAID
            )
        ),
    ),
    Rule(
        _("Opening hours"),
        _("Patients want to know when they can come, and whether you are open now."),
        _clinic_that(lambda clinic: not clinic.opening_hours.all()),
        "opening_hours-group",
    ),
    Rule(
        _("Languages"),
        _("Consent means understanding. People look for a clinic that speaks their language."),
        _clinic_that(lambda clinic: not clinic.languages.all()),
        "id_languages",
    ),
    Rule(
        _("Street and number"),
        _("So that people find you, and see how far it is."),
        _clinic_that(lambda clinic: not clinic.address),
        "id_address",
    ),
    Rule(
        _("Telephone"),
        _("After a treatment somebody may need to reach you at once."),
        _clinic_that(lambda clinic: not clinic.phone),
        "id_phone",
    ),
    Rule(
        _("Website"),
        _("It also proves that a mail address at your own site is yours."),
        _clinic_that(lambda clinic: not clinic.website),
        "id_website",
    ),
    Rule(
        _("A few words about the clinic"),
        _("Two plain sentences tell more than a long text."),
        _clinic_that(lambda clinic: not clinic.description),
        "id_description",
    ),
    Rule(
        _("Photos"),
        _("A look at the rooms takes some of the fear away."),
        _clinic_that(lambda clinic: not clinic.photos.all()),
        "photos-group",
    ),
)


def missing_facts(clinic: Clinic) -> list[MissingFact]:
    """What the listing leaves open, what patients ask first on top. No query when loaded.

    The clinic comes from `Clinic.objects.with_page_details()`.
    """
    offers = list(clinic.offers.all())
    return [
        MissingFact(str(rule.what), str(rule.why), _page(rule, clinic, rows), _names(clinic, rows))
        for rule in RULES
        if (rows := rule.lacking(clinic, offers))
    ]


def _page(rule: Rule, clinic: Clinic, rows: list) -> str:
    """Where it can be said: the one offer that lacks it, or the place on the clinic's form."""
    if rule.part:
        return f"{reverse('admin:clinics_clinic_change', args=[clinic.pk])}#{rule.part}"
    if len(rows) == 1:
        return reverse("admin:clinics_offer_change", args=[rows[0].pk])
    return list_of("admin:clinics_offer_changelist", clinic.pk)


def _names(clinic: Clinic, rows: list) -> tuple[str, ...]:
    """The treatments or people concerned; none when it is the clinic itself."""
    return tuple(
        dict.fromkeys(
            row.treatment.short_name if isinstance(row, Offer) else str(row)
            for row in rows
            if row != clinic
        )
    )
