"""Pages that help a reader before booking and after treatment, and the evidence as a file."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from . import structured_data
from .advice import AFTER_TREATMENT, BEFORE_BOOKING, authorities_by_country, parted
from .evidence_table import evidence_csv
from .models import Claim, Contraindication, RegulatorPosition, Statement, Treatment


def _general_statements():
    """Statements on no treatment, with their sources. Two queries."""
    return Statement.objects.filter(treatment=None).prefetch_related("sources")


@require_safe
def red_flags(request):
    """When to get help after treatment, the worst first, and where to report. Five queries."""
    positions = RegulatorPosition.objects.filter(treatment__is_published=True)
    trail = [(_("Home"), reverse("home")), (_("After treatment"), reverse("red-flags"))]
    return render(
        request,
        "treatments/red_flags.html",
        {
            "flags": parted(_general_statements(), AFTER_TREATMENT),
            "authorities": authorities_by_country(positions.prefetch_related("sources")),
            "treatments": Treatment.objects.published(),
            "canonical": request.build_absolute_uri(reverse("red-flags")),
            "breadcrumb_data": structured_data.breadcrumbs(trail, request.build_absolute_uri),
        },
    )


@require_safe
def before_you_book(request):
    """What to check about a clinic, to be ticked off on paper or on the screen. Two queries."""
    parts = parted(_general_statements(), BEFORE_BOOKING)
    trail = [(_("Home"), reverse("home")), (_("Before you book"), reverse("before-you-book"))]
    return render(
        request,
        "treatments/before_you_book.html",
        {
            "parts": parts[:-1],
            "walk_away": parts[-1],
            "canonical": request.build_absolute_uri(reverse("before-you-book")),
            "breadcrumb_data": structured_data.breadcrumbs(trail, request.build_absolute_uri),
        },
    )


@require_safe
def is_it_for_me(request, slug):
    """Reasons against a treatment, to be ticked in the browser and nowhere else. Five queries."""
    treatment = get_object_or_404(
        Treatment.objects.published().prefetch_related(
            "contraindications__sources", "statements__sources"
        ),
        slug=slug,
    )
    strength = Contraindication.Strength
    reasons = treatment.contraindications.all()
    address = reverse("is-it-for-me", args=[slug])
    trail = [
        (_("Home"), reverse("home")),
        (_("Treatments"), reverse("treatment-list")),
        (treatment.short_name, treatment.get_absolute_url()),
        (_("Is it for me?"), address),
    ]
    return render(
        request,
        "treatments/is_it_for_me.html",
        {
            "treatment": treatment,
            "strong": [reason for reason in reasons if reason.strength == strength.ABSOLUTE],
            "other": [reason for reason in reasons if reason.strength == strength.RELATIVE],
            "about_list": treatment.statements_in(Statement.Section.CONTRAINDICATIONS),
            "not_for": treatment.statements_in(Statement.Section.NOT_FOR),
            "canonical": request.build_absolute_uri(address),
            "breadcrumb_data": structured_data.breadcrumbs(trail, request.build_absolute_uri),
        },
    )


@require_safe
def treatment_evidence(request, slug):
    """Every claim on a treatment with its sources, as a file for a spreadsheet. Four queries."""
    treatment = get_object_or_404(Treatment.objects.published(), slug=slug)
    claims = Claim.objects.filter(treatments=treatment).with_source()
    response = HttpResponse(evidence_csv(claims), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{treatment.slug}-evidence.csv"'
    response["X-Robots-Tag"] = "noindex"
    return response
