"""Which of the directory's pages search engines are told of."""

from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from treatments.models import Treatment

from .models import Clinic


class ClinicSitemap(Sitemap):
    """Published clinics. The date is the day the clinic last confirmed its listing.

    Sample listings are left out: they are fictional.
    """

    def items(self):
        return Clinic.objects.published().filter(is_sample=False).order_by("pk")

    def lastmod(self, clinic):
        return clinic.confirmed_on


class TreatmentCostSitemap(Sitemap):
    """What each published treatment costs. No date: prices change without a review."""

    def items(self):
        return Treatment.objects.published().order_by("pk")

    def location(self, treatment):
        return reverse("treatment-cost", args=[treatment.slug])


class PageSitemap(Sitemap):
    """The pages that stand for themselves. They carry no date: nothing records one."""

    def items(self):
        return [
            "home",
            "treatment-list",
            "mesotherapy",
            "treatment-compare",
            "before-you-book",
            "red-flags",
            "clinic-list",
            "source-list",
            "how-we-rank",
            "how-we-check",
            "about",
            "privacy",
            "accessibility",
        ]

    def location(self, name):
        return reverse(name)
