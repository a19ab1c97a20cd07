"""One factory for each model: the smallest valid object, in a fixed sequence, nothing random.

A clinic is published and a treatment too, because most tests are about what the
public sees; what must not show is made with `status` or `is_published`. To-many
values are given as lists: `OfferFactory(body_areas=[thighs])`.
"""

import datetime
from decimal import Decimal

import factory
from django.utils import timezone
from factory import LazyAttribute, LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from accounts.models import User
from clinics import models as clinics
from clinics.sealed_text import seal
from treatments import models as treatments


def today() -> datetime.date:
    """The day on which the test runs, as the site understands it."""
    return timezone.localdate()


def set_to_many(name):
    """A declaration that fills the to-many field `name` from the list given, if any."""

    def fill(instance, create, extracted, **kwargs):
        if create and extracted is not None:
            getattr(instance, name).set(extracted)

    return factory.post_generation(fill)


# --- accounts


class UserFactory(DjangoModelFactory):
    """Somebody who may sign in to nothing yet. The password is `password`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = Sequence(lambda n: f"user-{n}")
    email = LazyAttribute(lambda user: f"{user.username}@example.org")
    password = factory.django.Password("password")


class EditorFactory(UserFactory):
    """Somebody who may change everything in the admin."""

    username = Sequence(lambda n: f"editor-{n}")
    is_staff = True
    is_superuser = True


class StaffFactory(UserFactory):
    """Somebody who may sign in to the admin; a membership says for which clinic."""

    username = Sequence(lambda n: f"staff-{n}")
    is_staff = True


# --- treatments


class SourceFactory(DjangoModelFactory):
    """A controlled trial, read at its address."""

    class Meta:
        model = treatments.Source
        skip_postgeneration_save = True

    slug = Sequence(lambda n: f"source-{n}")
    title = Sequence(lambda n: f"Trial number {n}")
    publisher = Sequence(lambda n: f"Authors {n}")
    kind = treatments.Source.Kind.TRIAL
    year = 2020
    url = LazyAttribute(lambda source: f"https://example.org/{source.slug}")
    reading = treatments.Source.Reading.DIRECT
    confidence = treatments.Source.Confidence.HIGH


class BodyAreaFactory(DjangoModelFactory):
    class Meta:
        model = treatments.BodyArea

    slug = Sequence(lambda n: f"area-{n}")
    name = Sequence(lambda n: f"Area {n}")


class ConcernFactory(DjangoModelFactory):
    class Meta:
        model = treatments.Concern

    slug = Sequence(lambda n: f"concern-{n}")
    name = Sequence(lambda n: f"Concern {n}")


class SubstanceFactory(DjangoModelFactory):
    class Meta:
        model = treatments.Substance

    slug = Sequence(lambda n: f"substance-{n}")
    name = Sequence(lambda n: f"Substance {n}")
    description = "A liquid."


class SubstanceStatusFactory(DjangoModelFactory):
    """Not approved in France. Give `sources=[...]`."""

    class Meta:
        model = treatments.SubstanceStatus
        skip_postgeneration_save = True

    substance = SubFactory(SubstanceFactory)
    country = "FR"
    status = treatments.SubstanceStatus.Status.NOT_APPROVED
    text = "For any use under the skin."
    sources = set_to_many("sources")


class TreatmentFactory(DjangoModelFactory):
    """A published procedure. Give `body_areas=[...]`, `concerns=[...]`, `substances=[...]`."""

    class Meta:
        model = treatments.Treatment
        skip_postgeneration_save = True

    slug = Sequence(lambda n: f"treatment-{n}")
    name = Sequence(lambda n: f"Mesotherapy number {n}")
    short_name = Sequence(lambda n: f"Treatment {n}")
    kind = treatments.Treatment.Kind.PROCEDURE
    needles = treatments.Treatment.Needles.YES
    evidence_level = treatments.Treatment.EvidenceLevel.LOW
    body_areas = set_to_many("body_areas")
    concerns = set_to_many("concerns")
    substances = set_to_many("substances")


class ClaimFactory(DjangoModelFactory):
    """Three to four sessions, says a trial. Give `treatments=[...]`."""

    class Meta:
        model = treatments.Claim
        skip_postgeneration_save = True

    reference = Sequence(lambda n: f"T{n}")
    source = SubFactory(SourceFactory)
    locator = Sequence(lambda n: f"line {n}")
    topic = treatments.Claim.Topic.SESSIONS
    words = Sequence(lambda n: f"Claim number {n}.")
    low = Decimal(3)
    high = Decimal(4)
    unit = treatments.Claim.Unit.SESSION
    treatments = set_to_many("treatments")
    checked_against = set_to_many("checked_against")


class AliasFactory(DjangoModelFactory):
    class Meta:
        model = treatments.Alias
        skip_postgeneration_save = True

    treatment = SubFactory(TreatmentFactory)
    name = Sequence(lambda n: f"Other name {n}")
    sources = set_to_many("sources")


class StatementFactory(DjangoModelFactory):
    class Meta:
        model = treatments.Statement
        skip_postgeneration_save = True

    treatment = SubFactory(TreatmentFactory)
    section = treatments.Statement.Section.SUMMARY
    text = Sequence(lambda n: f"Statement number {n}.")
    sources = set_to_many("sources")


class SideEffectFactory(DjangoModelFactory):
    class Meta:
        model = treatments.SideEffect
        skip_postgeneration_save = True

    treatment = SubFactory(TreatmentFactory)
    name = Sequence(lambda n: f"Bruise {n}")
    how_common = treatments.SideEffect.HowCommon.COMMON
    severity = treatments.SideEffect.Severity.MILD
    sources = set_to_many("sources")


class ContraindicationFactory(DjangoModelFactory):
    class Meta:
        model = treatments.Contraindication
        skip_postgeneration_save = True

    treatment = SubFactory(TreatmentFactory)
    name = Sequence(lambda n: f"Illness {n}")
    strength = treatments.Contraindication.Strength.ABSOLUTE
    sources = set_to_many("sources")


class RegulatorPositionFactory(DjangoModelFactory):
    class Meta:
        model = treatments.RegulatorPosition
        skip_postgeneration_save = True

    treatment = SubFactory(TreatmentFactory)
    country = "FR"
    authority = Sequence(lambda n: f"Authority {n}")
    position_text = "Not approved."
    sources = set_to_many("sources")


# --- clinics


class CountryFactory(DjangoModelFactory):
    """One of 676 invented countries: codes from AA, which Babel may or may not know."""

    class Meta:
        model = clinics.Country
        django_get_or_create = ["code"]

    code = Sequence(lambda n: chr(65 + n // 26 % 26) + chr(65 + n % 26))
    slug = LazyAttribute(lambda country: f"country-{country.code.lower()}")
    name = LazyAttribute(lambda country: f"Country {country.code}")


class PlaceFactory(DjangoModelFactory):
    class Meta:
        model = clinics.Place

    slug = Sequence(lambda n: f"town-{n}")
    name = Sequence(lambda n: f"Town {n}")
    country = SubFactory(CountryFactory)
    latitude = Decimal("48.85341")
    longitude = Decimal("2.34880")
    timezone = "Europe/Paris"


class LanguageFactory(DjangoModelFactory):
    class Meta:
        model = clinics.Language
        django_get_or_create = ["code"]

    code = Sequence(lambda n: f"x-lang{n}")
    slug = LazyAttribute(lambda language: f"language-{language.code}")
    name = LazyAttribute(lambda language: f"Language {language.code}")


class CurrencyFactory(DjangoModelFactory):
    """The euro. For a currency without a rate: `per_euro=None, rate_date=None`."""

    class Meta:
        model = clinics.Currency
        django_get_or_create = ["code"]

    code = "EUR"
    per_euro = Decimal(1)
    rate_date = datetime.date(2026, 11, 2)
    rate_source = "European Central Bank reference rate"


class ClinicFactory(DjangoModelFactory):
    """A published medical clinic that has said nothing else. Give `languages=[...]`."""

    class Meta:
        model = clinics.Clinic
        skip_postgeneration_save = True

    slug = Sequence(lambda n: f"clinic-{n}")
    name = Sequence(lambda n: f"Clinic {n}")
    facility_type = clinics.Clinic.FacilityType.MEDICAL_CLINIC
    place = SubFactory(PlaceFactory)
    status = clinics.Clinic.Status.PUBLISHED
    shuffle_key = Sequence(lambda n: n + 1)
    languages = set_to_many("languages")


class OfferFactory(DjangoModelFactory):
    """A session for 100 to 150 EUR, confirmed today. Give `body_areas=[...]`.

    Without a price: `price_low=None, price_high=None`; `price_confirmed_on` may stay.
    """

    class Meta:
        model = clinics.Offer
        skip_postgeneration_save = True

    clinic = SubFactory(ClinicFactory)
    treatment = SubFactory(TreatmentFactory)
    price_low = Decimal(100)
    price_high = Decimal(150)
    currency = SubFactory(CurrencyFactory)
    price_confirmed_on = LazyFunction(today)
    body_areas = set_to_many("body_areas")


class PractitionerFactory(DjangoModelFactory):
    class Meta:
        model = clinics.Practitioner

    clinic = SubFactory(ClinicFactory)
    name = Sequence(lambda n: f"Practitioner {n}")
    profession = clinics.Practitioner.Profession.DERMATOLOGIST


class CheckFactory(DjangoModelFactory):
    """A licence that was found on its register today and never expires."""

    class Meta:
        model = clinics.Check

    clinic = SubFactory(ClinicFactory)
    kind = clinics.Check.Kind.LICENCE
    register = "Register of tests"
    result = clinics.Check.Result.CONFIRMED
    checked_on = LazyFunction(today)


class OpeningHoursFactory(DjangoModelFactory):
    """Monday from nine to five."""

    class Meta:
        model = clinics.OpeningHours

    clinic = SubFactory(ClinicFactory)
    weekday = clinics.OpeningHours.Weekday.MONDAY
    opens = datetime.time(9)
    closes = datetime.time(17)


class PhotoFactory(DjangoModelFactory):
    """A blue picture of 40 by 30 pixels, public in one size."""

    class Meta:
        model = clinics.Photo
        skip_postgeneration_save = True

    clinic = SubFactory(ClinicFactory)
    image = factory.django.ImageField(width=40, height=30)
    alt_text = Sequence(lambda n: f"Waiting room {n}")
    has_consent = True
    state = clinics.Photo.State.ONE_SIZE


class MembershipFactory(DjangoModelFactory):
    """That a new member of staff may edit a new clinic."""

    class Meta:
        model = clinics.Membership

    user = SubFactory(StaffFactory)
    clinic = SubFactory(ClinicFactory)
    role = clinics.Membership.Role.STAFF


# --- what readers ask, and films


class ReadersQuestionFactory(DjangoModelFactory):
    """A question that waits. Give `sources=[...]`; see `AnsweredQuestionFactory`."""

    class Meta:
        model = treatments.ReadersQuestion
        skip_postgeneration_save = True

    treatment = SubFactory(TreatmentFactory)
    text_as_asked = Sequence(lambda n: f"How long does bruise number {n} last?")
    sending = Sequence(lambda n: f"{n:064d}")
    sources = set_to_many("sources")


class AnsweredQuestionFactory(ReadersQuestionFactory):
    """A published question with its signed answer of today."""

    status = treatments.ReadersQuestion.Status.PUBLISHED
    decided_at = LazyFunction(timezone.now)
    text_published = LazyAttribute(lambda question: question.text_as_asked)
    answer = Sequence(lambda n: f"Answer number {n}.")
    signature = "Ana Example, editor"
    answered_on = LazyFunction(today)


class FilmFactory(DjangoModelFactory):
    """A published film on a page elsewhere, made by the authors of a trial."""

    class Meta:
        model = treatments.Film

    treatment = SubFactory(TreatmentFactory)
    title = Sequence(lambda n: f"Film number {n}")
    source = SubFactory(SourceFactory)
    address = Sequence(lambda n: f"https://films.example.org/{n}")
    language = "en"
    seconds = 125
    summary = "A doctor shows the needle and says what is not known."
    is_published = True


# --- claims, invitations, requests of patients


class ClaimRequestFactory(DjangoModelFactory):
    """A waiting claim with other evidence, from an address that proves nothing."""

    class Meta:
        model = clinics.ClaimRequest

    clinic = SubFactory(ClinicFactory)
    name = "Ada Owner"
    position = "Owner"
    email = Sequence(lambda n: f"claimant-{n}@example.org")
    registration_number = Sequence(lambda n: f"R-{n}")
    evidence = "Call the number on the register."
    form_key = Sequence(lambda n: f"form-{n}")


class InvitationFactory(DjangoModelFactory):
    """An open invitation to staff."""

    class Meta:
        model = clinics.Invitation

    clinic = SubFactory(ClinicFactory)
    email = Sequence(lambda n: f"guest-{n}@example.org")
    expires_at = LazyFunction(lambda: timezone.now() + datetime.timedelta(days=7))


class EnquiryFactory(DjangoModelFactory):
    """What Ana asked a moment ago, of which nobody was told."""

    class Meta:
        model = clinics.Enquiry

    reference = Sequence(lambda n: f"REF-{n}")
    clinic = SubFactory(ClinicFactory)
    sealed = LazyAttribute(
        lambda enquiry: seal(
            {
                "name": "Ana",
                "email": "",
                "phone": "+33 1 23 45 67 89",
                "treatment": "",
                "language": "",
                "time": "",
                "message": "What does it cost?",
            },
            enquiry.reference,
        )
    )
    consent_version = "1"
    consent_digest = "0"
    form_key_hash = Sequence(lambda n: f"form-{n}")
    link_hash = Sequence(lambda n: f"link-{n}")
    waiting_since = LazyFunction(timezone.now)
    delete_after = LazyFunction(lambda: timezone.now() + datetime.timedelta(days=180))


class ReplyTemplateFactory(DjangoModelFactory):
    """An answer that a clinic has prepared."""

    class Meta:
        model = clinics.ReplyTemplate

    clinic = SubFactory(ClinicFactory)
    language = SubFactory(LanguageFactory)
    title = Sequence(lambda n: f"Prices {n}")
    text = "A first talk costs nothing."


class ProposalFactory(DjangoModelFactory):
    """A new description of a clinic, sent in a moment ago. Give `author=` where one matters."""

    class Meta:
        model = clinics.Proposal

    clinic = SubFactory(ClinicFactory)
    subject = clinics.Proposal.Subject.CLINIC
    kind = clinics.Proposal.Kind.CHANGE
    row_id = LazyAttribute(lambda proposal: proposal.clinic.pk)
    row_key = LazyAttribute(lambda proposal: str(proposal.row_id))
    name = LazyAttribute(lambda proposal: proposal.clinic.name)
    proposed = LazyFunction(lambda: {"description": "Two rooms, one lift."})
    based_on = LazyFunction(lambda: {"description": ""})


class CorrectionFactory(DjangoModelFactory):
    """What a reader said is wrong, and nobody has looked at."""

    class Meta:
        model = clinics.Correction

    clinic = SubFactory(ClinicFactory)
    what = clinics.Correction.What.HOURS
    words = "On Friday the door is closed at noon."
    sending = Sequence(lambda n: f"{n:064d}")


class CheckEvidenceFactory(DjangoModelFactory):
    """A small PDF that an editor kept with a check."""

    class Meta:
        model = clinics.CheckEvidence
        skip_postgeneration_save = True

    of_check = SubFactory(CheckFactory)
    file = factory.django.FileField(filename="file.pdf", data=b"%PDF-1.4\n%%EOF\n")
    kind = clinics.CheckEvidence.Kind.PDF
    name = "letter.pdf"
    sha256 = "0" * 64
    size = 15
