"""The pages of the directory, and home, which starts from both sides."""

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import get_template
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from treatments.models import BodyArea, Claim, Concern, Source, Treatment
from treatments.models.question import DECLINED_DAYS, WAITING_DAYS
from treatments.recently_used import RecentlyUsed

from . import structured_data
from .card_fragments import FRAGMENTS
from .clinic_page import clinics_with_page, page_of
from .filters import ClinicFilterSet
from .histogram import price_histogram
from .live_index import one_view
from .models import Clinic, Place
from .offers_summary import shows_sample_listings
from .ranking import RANKING_RULES, SORTS
from .search import at_one_moment, prices_of, suggestions, treatments_asked_for
from .selection import PER_PAGE, last_page
from .typed_fields import WordsField
from .view_counts import count_view

MAX_PAGE_DIGITS = 6
MOST_PAGES, MOST_PAGE_BYTES = 2000, 48 * 2**20


@require_safe
def home(request):
    """Start from a concern, a body area, a treatment or a place. Ten queries."""
    published = Treatment.objects.published()
    shown = Q(treatments__is_published=True)
    listed = Q(clinics__status=Clinic.Status.PUBLISHED)
    with_treatments = {"treatment_count": Count("treatments", filter=shown, distinct=True)}
    return render(
        request,
        "pages/home.html",
        {
            "treatments": published.exclude(kind=Treatment.Kind.COMPARISON).with_key_facts(),
            "concerns": Concern.objects.annotate(**with_treatments).filter(treatment_count__gt=0),
            "body_areas": BodyArea.objects.annotate(**with_treatments).filter(
                treatment_count__gt=0
            ),
            "places": Place.objects.select_related("country")
            .annotate(clinic_count=Count("clinics", filter=listed))
            .filter(clinic_count__gt=0)
            .order_by("-clinic_count", "name")[:16],
            "clinic_total": Clinic.objects.published().count(),
            "treatment_total": published.count(),
            "source_total": Source.objects.count(),
            "claim_total": Claim.objects.count(),
            "shows_sample_listings": shows_sample_listings(),
        },
    )


def _page_number(text: str) -> int:
    """The page asked for; anything that is not a sensible number means the first."""
    is_number = text.isascii() and text.isdigit() and len(text) <= MAX_PAGE_DIGITS
    return int(text) if is_number else 1


# Whole pages of the directory, by the moment of it and all else that they are made from: what
# many ask for again, such as its first page, is made once until something changes.
PAGES: RecentlyUsed[bytes] = RecentlyUsed(MOST_PAGES, MOST_PAGE_BYTES)


@require_safe
def clinic_list(request):
    """The directory. Two statements to know that nothing has changed, and five queries when
    a card is not kept yet, for any number of clinics."""
    today = timezone.localdate()
    canonical = request.build_absolute_uri(reverse("clinic-list"))
    template = get_template("clinics/clinic_list.html").template
    asked = request.META["QUERY_STRING"]
    with one_view():
        with at_one_moment(today) as moment:
            key = moment, today, template, get_language(), canonical, asked
            page = PAGES.get(key) if moment else None
            if page is not None:
                return HttpResponse(page)
            filters = ClinicFilterSet(request.GET, today)
            answer = filters.answer(_page_number(request.GET.get("page", "1")))
            context = {
                "filters": filters,
                "facets": filters.facets(answer),
                "total": answer.total,
                "page_number": answer.page,
                "last_page": last_page(answer.total),
                "page_queries": {
                    "previous": filters.page_query(answer.page - 1),
                    "next": filters.page_query(answer.page + 1),
                },
                "first_position": (answer.page - 1) * PER_PAGE + 1,
                "ways_out": filters.ways_out() if answer.total == 0 else [],
                "other_words": filters.other_words(answer.total),
                "treatments_to_read": treatments_asked_for(filters.selection, today)[:4],
                "sentence": filters.sentence(answer.total),
                "histogram": price_histogram(
                    prices_of(filters.selection, today),
                    filters.chosen_currency,
                    filters.selection.price_min,
                    filters.selection.price_max,
                ),
                "today": today,
                "canonical": canonical,
            }
        cards = FRAGMENTS.of(
            answer.ids,
            answer.matching_offers,
            filters.rates,
            today,
            filters.chosen_currency,
            answer.versions.get,
            answer.kilometres,
        )
    context |= {
        "cards": cards,
        "structured_data": structured_data.clinic_list(cards, request.build_absolute_uri),
        "shows_sample_listings": any(card.is_sample for card in cards),
    }
    response = render(request, "clinics/clinic_list.html", context)
    if moment:
        PAGES.keep(key, response.content, len(response.content) + len(asked))
    return response


@require_safe
@cache_control(private=True, max_age=60)
def suggest(request):
    """What the words typed so far may become, as a list for the search box. Two queries.

    A part of a page, for a script that shows it; nothing for no words.
    """
    words = WordsField(required=False).clean(request.GET.get("q", ""))
    found = suggestions(words, timezone.localdate())
    response = render(
        request,
        "clinics/_suggestions.html",
        {
            "total": len(found),
            "treatments": [s for s in found if s.kind == "treatment"],
            "places": [s for s in found if s.kind in ("country", "place")],
            "clinics": [s for s in found if s.kind == "clinic"],
        },
    )
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
def clinic_detail(request, slug):
    """One clinic: offers, costs, people, checks, hours, gaps. Twelve queries."""
    clinics = clinics_with_page().filter(status=Clinic.Status.PUBLISHED)
    clinic = get_object_or_404(clinics, slug=slug)
    context = page_of(clinic, request.GET.get("currency", ""))
    context["canonical"] = request.build_absolute_uri(clinic.get_absolute_url())
    context["structured_data"] = structured_data.clinic(
        clinic, context["offers"], request.build_absolute_uri
    )
    response = render(request, "clinics/clinic_detail.html", context)
    count_view(request, clinic.pk)
    return response


@require_safe
def how_we_rank(request):
    """The order of results, printed from the rules that make it. No query."""
    return render(
        request, "pages/how_we_rank.html", {"ranking_rules": RANKING_RULES, "sorts": SORTS}
    )


# Pages of plain text: their template, by the name of their address.
TEXT_PAGES = {
    "how-we-check": "pages/how_we_check.html",
    "about": "pages/about.html",
    "privacy": "pages/privacy.html",
    "accessibility": "pages/accessibility.html",
}


@require_safe
def text_page(request, name):
    """One of the site's own pages. No query."""
    context = {
        "contact_email": settings.CONTACT_EMAIL,
        "waiting_days": WAITING_DAYS,
        "declined_days": DECLINED_DAYS,
    }
    return render(request, TEXT_PAGES[name], context)


@require_safe
def robots(request):
    """What crawlers may ask for, and where the sitemap is. No query."""
    return render(
        request,
        "robots.txt",
        {"sitemap_url": request.build_absolute_uri(reverse("sitemap"))},
        content_type="text/plain; charset=utf-8",
    )
