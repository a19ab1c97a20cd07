"""Which pages on treatments and sources search engines are told of."""

from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from .models import Source, Treatment


class TreatmentSitemap(Sitemap):
    """Published treatments; the date is that of the last review, not of the last save."""

    def items(self):
        return Treatment.objects.published().order_by("pk")

    def lastmod(self, treatment):
        return treatment.last_reviewed


class IsItForMeSitemap(Sitemap):
    """Lists of reasons against a treatment, where sources name any."""

    def items(self):
        listed = Treatment.objects.published().filter(contraindications__isnull=False)
        return listed.distinct().order_by("pk")

    def location(self, treatment):
        return reverse("is-it-for-me", args=[treatment.slug])

    def lastmod(self, treatment):
        return treatment.last_reviewed


class SourceSitemap(Sitemap):
    """Every source. They carry no date: nothing records a review of them."""

    def items(self):
        return Source.objects.order_by("pk")
