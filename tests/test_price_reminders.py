"""Old prices: who is told when, once, and what becomes of a price that nobody confirms."""

import datetime
import re

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from clinics.confirmation import confirm_all, remind
from clinics.models import Clinic, Enquiry, OutgoingNotice, PriceReminder
from clinics.outbox import MANY_ATTEMPTS, forget_sent, send_due, warn_of_stuck_notices
from tests.factories import (
    ClinicFactory,
    EditorFactory,
    EnquiryFactory,
    InvitationFactory,
    MembershipFactory,
    OfferFactory,
    TreatmentFactory,
)
from tests.parallel import in_threads, on_disk

pytestmark = pytest.mark.django_db
TODAY = datetime.date(2026, 11, 23)


def ago(days) -> datetime.date:
    return TODAY - datetime.timedelta(days=days)


@pytest.fixture
def clinic(db):
    """A published clinic with one reader, desk@example.org."""
    return MembershipFactory(user__email="desk@example.org").clinic


def later(days) -> datetime.date:
    return TODAY + datetime.timedelta(days=days)


def test_each_age_is_told_once(clinic):
    OfferFactory(clinic=clinic, price_confirmed_on=ago(149))
    OfferFactory(clinic=clinic, price_confirmed_on=ago(10))
    told = [day for day in (0, 1, 2, 30, 31, 32, 90, 91, 92, 300) if remind(later(day))]
    # 150, 180 and 240 days after the day of the older price.
    assert told == [1, 31, 91]
    assert PriceReminder.objects.count() == OutgoingNotice.objects.count() == 3


def test_of_several_ages_passed_only_the_last_is_told(clinic):
    OfferFactory(clinic=clinic, price_confirmed_on=ago(300))
    assert [remind(TODAY), remind(TODAY), remind(later(1))] == [1, 0, 0]
    assert PriceReminder.objects.get().days == 240


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "draft"},
        {"status": "suspended"},
    ],
)
def test_a_listing_that_nobody_sees_is_let_be(clinic, changes):
    OfferFactory(clinic=clinic, price_confirmed_on=ago(300))
    Clinic.objects.update(**changes)
    assert remind(TODAY) == 0


def test_what_states_no_price_or_has_no_date_or_is_not_shown_is_let_be(clinic):
    OfferFactory(clinic=clinic, price_confirmed_on=None)
    OfferFactory(clinic=clinic, price_low=None, price_high=None, price_confirmed_on=ago(300))
    hidden = TreatmentFactory(is_published=False)
    OfferFactory(clinic=clinic, treatment=hidden, price_confirmed_on=ago(300))
    assert remind(TODAY) == 0


def test_only_people_of_the_clinic_who_can_sign_in_are_told(clinic):
    OfferFactory(clinic=clinic, price_confirmed_on=ago(200))
    MembershipFactory(clinic=clinic, user__is_active=False)
    MembershipFactory(clinic=clinic, user__email="")
    MembershipFactory()
    nobody = OfferFactory(price_confirmed_on=ago(200)).clinic
    remind(TODAY)
    assert [notice.user.email for notice in OutgoingNotice.objects.all()] == ["desk@example.org"]
    assert not nobody.price_reminders.exists()
    # Somebody comes later, and hears of it then.
    MembershipFactory(clinic=nobody)
    assert remind(later(1)) == 1


def test_the_mail_says_how_old_and_where_to_go(clinic, settings):
    settings.SITE_URL = "https://guide.example"
    today = timezone.localdate()
    OfferFactory(clinic=clinic, price_confirmed_on=today - datetime.timedelta(days=185))
    call_command("run_jobs", "--once", verbosity=0)
    call_command("run_jobs", "--once", verbosity=0)
    [message] = mail.outbox
    assert message.to == ["desk@example.org"]
    assert "185 days ago" in message.body
    assert f"https://guide.example/admin/clinics/clinic/{clinic.pk}/home/" in message.body


def test_the_record_of_a_mail_ends_after_180_days(clinic):
    now = timezone.now()
    for days in (181, 179):
        sent = now - datetime.timedelta(days=days)
        OutgoingNotice.objects.create(kind="prices", clinic=clinic, sent_at=sent)
    OutgoingNotice.objects.create(kind="prices", clinic=clinic, due_at=now)
    assert forget_sent(now) == 1
    assert OutgoingNotice.objects.count() == 2


def test_who_confirms_before_the_mail_goes_gets_none(clinic):
    OfferFactory(clinic=clinic, price_confirmed_on=timezone.localdate() - datetime.timedelta(200))
    remind(timezone.localdate())
    confirm_all(Clinic.objects.filter(pk=clinic.pk), clinic.memberships.get().user)
    assert send_due().sent == 0
    assert (mail.outbox, OutgoingNotice.objects.count()) == ([], 0)


@pytest.mark.django_db(transaction=True)
def test_two_workers_write_each_reminder_once(clinic, monkeypatch, tmp_path):
    OfferFactory(clinic=clinic, price_confirmed_on=ago(200))
    on_disk(monkeypatch, tmp_path)
    assert sorted(in_threads(3, lambda: remind(TODAY))) == [0, 0, 1]


def test_a_reminder_that_fails_half_way_is_written_the_next_time(clinic, monkeypatch):
    OfferFactory(clinic=clinic, price_confirmed_on=ago(200))

    def fail(*_args, **_kwargs):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(PriceReminder.objects, "bulk_create", fail)
        with pytest.raises(RuntimeError):
            remind(TODAY)
    assert not PriceReminder.objects.exists()
    assert remind(TODAY) == 1


def test_mails_that_fail_again_and_again_wait_on_the_desk_whatever_they_are_about(client):
    invitation = InvitationFactory()
    about = {"clinic": invitation.clinic}, {"invitation": invitation}, {"enquiry": EnquiryFactory()}
    for what in about:
        OutgoingNotice.objects.create(kind="new", attempts=MANY_ATTEMPTS, **what)
    client.force_login(EditorFactory())
    page = client.get("/admin/desk/?kind=mails", follow=True).content.decode()
    assert page.count("data-entry") == 3
    for path in re.findall(r'href="(/admin/desk/mails/\d+/)', page):
        assert client.get(path, follow=True).status_code == 200
    warn_of_stuck_notices()


def test_a_notice_is_about_one_thing():
    enquiry: Enquiry = EnquiryFactory()
    for about in ({}, {"enquiry": enquiry, "clinic": enquiry.clinic}):
        with pytest.raises(IntegrityError), transaction.atomic():
            OutgoingNotice.objects.create(kind="new", **about)


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (180, "confirmed"),
        (181, "price last confirmed"),
        (240, "price last"),
        (241, "ask the clinic"),
    ],
)
def test_patients_see_how_old_a_price_is(client, days, told):
    day = timezone.localdate() - datetime.timedelta(days=days)
    offer = OfferFactory(price_confirmed_on=day)
    page = client.get(offer.clinic.get_absolute_url()).content.decode()
    [(mark, words)] = re.findall(r'<p class="clinic-card__(stale|basis)">(.*?)</p>', page)
    assert told in words
    assert (mark, "ask the clinic" in words) == ("basis" if days == 180 else "stale", days == 241)


def test_a_price_of_more_than_240_days_takes_no_part_in_the_order_by_price(client):
    today = timezone.localdate()
    for name, price, days in (("Cheap and old", 10, 241), ("Dear", 90, 240), ("Middle", 50, 1)):
        OfferFactory(
            clinic=ClinicFactory(name=name),
            price_low=price,
            price_high=price,
            price_confirmed_on=today - datetime.timedelta(days=days),
        )
    page = client.get("/clinics/?sort=price").content.decode()
    assert page.index("Middle") < page.index("Dear") < page.index("Cheap and old")
