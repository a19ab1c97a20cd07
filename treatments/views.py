"""Pages on treatments and on the sources behind them."""

from django.db.models import Count, Q
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinics.cost_basis import stated_cost
from clinics.offers_summary import (
    clinic_counts_by_treatment,
    offers_of_treatment,
    shows_sample_listings,
)
from clinics.price_picture import price_picture

from . import structured_data
from .evidence import by_topic
from .filters import TreatmentFilterSet, treatment_row
from .models import (
    Alias,
    Claim,
    Contraindication,
    RegulatorPosition,
    SideEffect,
    Source,
    Statement,
    SubstanceStatus,
    Treatment,
    TreatmentArea,
    TreatmentConcern,
    TreatmentSubstance,
)
from .treatment_page import GeneralPage, TakenFrom, TreatmentPage

# How many answers to readers stand on a treatment's page; all are on a page of their own.
LATEST_ANSWERS = 6


@require_safe
def treatment_list(request):
    """All treatments, with facets and key facts side by side. Nine queries."""
    counts = clinic_counts_by_treatment()
    rows = [
        treatment_row(treatment, counts.get(treatment.pk, 0))
        for treatment in Treatment.objects.published().with_key_facts()
    ]
    filters = TreatmentFilterSet(request.GET, rows)
    kinds = [
        (str(label), [row for row in filters.rows if row.treatment.kind == kind])
        for kind, label in (
            (Treatment.Kind.PROCEDURE, _("Mesotherapy")),
            (Treatment.Kind.RELATED, _("Related methods")),
            (Treatment.Kind.COMPARISON, _("For comparison")),
        )
    ]
    return render(
        request,
        "treatments/treatment_list.html",
        {
            "filters": filters,
            "kinds": [(label, rows) for label, rows in kinds if rows],
            "total": len(filters.rows),
            "shows_sample_listings": shows_sample_listings(),
            "canonical": request.build_absolute_uri(reverse("treatment-list")),
            "structured_data": structured_data.treatment_list(
                [row.treatment for row in filters.rows], request.build_absolute_uri
            ),
        },
    )


@require_safe
def treatment_detail(request, slug):
    """One treatment with all its evidence. A fixed number of queries, about thirty."""
    treatment = get_object_or_404(Treatment.objects.published().with_page_details(), slug=slug)
    answers = list(
        treatment.readers_questions.published().prefetch_related("sources")[: LATEST_ANSWERS + 1]
    )
    films = list(treatment.films.filter(is_published=True).select_related("source"))
    page = TreatmentPage(treatment, answers[:LATEST_ANSWERS], films)
    today = timezone.localdate()
    offers = offers_of_treatment(treatment, today) if treatment.is_offered else None
    comparisons = Treatment.objects.published().filter(kind=Treatment.Kind.COMPARISON)
    trail = [
        (_("Home"), reverse("home")),
        (_("Treatments"), reverse("treatment-list")),
        (treatment.short_name, treatment.get_absolute_url()),
    ]
    return render(
        request,
        "treatments/treatment_detail.html",
        {
            "treatment": treatment,
            "page": page,
            "has_more_answers": len(answers) > LATEST_ANSWERS,
            "is_overdue": treatment.is_review_overdue(today),
            "offers": offers,
            "stated_cost": stated_cost(page.claims, offers),
            "price_picture": price_picture(offers, page.costs) if offers else None,
            "shows_sample_listings": offers is not None and offers.has_samples,
            "comparisons": list(comparisons.exclude(pk=treatment.pk)),
            "canonical": request.build_absolute_uri(treatment.get_absolute_url()),
            "structured_data": structured_data.treatment_page(page, request.build_absolute_uri),
            "breadcrumb_data": structured_data.breadcrumbs(trail, request.build_absolute_uri),
        },
    )


@require_safe
def mesotherapy(request):
    """Mesotherapy as a method: first what it is wanted for, then what is said of it."""
    statements = Statement.objects.filter(treatment=None).prefetch_related("sources")
    claims = Claim.objects.filter(Q(is_general=True) | Q(treatments=None)).with_source()
    return render(
        request,
        "treatments/mesotherapy.html",
        {
            "page": GeneralPage(list(statements), list(claims.distinct())),
            "treatments": Treatment.objects.published()
            .exclude(kind=Treatment.Kind.COMPARISON)
            .prefetch_related("statements"),
            "canonical": request.build_absolute_uri(reverse("mesotherapy")),
        },
    )


@require_safe
def source_list(request):
    """Every source by kind, the strongest kind first. One query."""
    shown = Q(statements__treatment=None) | Q(statements__treatment__is_published=True)
    sources = Source.objects.annotate(
        claim_count=Count(
            "claims", filter=Q(claims__in=Claim.objects.public().values("pk")), distinct=True
        ),
        statement_count=Count("statements", filter=shown, distinct=True),
    ).order_by("publisher", "title")
    by_kind = [
        (str(label), [source for source in sources if source.kind == kind])
        for kind, label in Source.Kind.choices
    ]
    return render(
        request,
        "treatments/source_list.html",
        {
            "kinds": [(label, found) for label, found in by_kind if found],
            "total": len(sources),
            "canonical": request.build_absolute_uri(reverse("source-list")),
        },
    )


@require_safe
def source_detail(request, slug):
    """One source, and all that we take from it. Sixteen queries."""
    source = get_object_or_404(Source, slug=slug)
    claims = source.claims.public().with_source()

    def supported(model, *related):
        of_published = model.objects.filter(sources=source, treatment__is_published=True)
        return list(of_published.select_related("treatment", *related))

    taken = TakenFrom(
        claims=by_topic(claims),
        statements=list(
            source.statements.filter(Q(treatment=None) | Q(treatment__is_published=True))
            .select_related("treatment")
            .order_by("treatment__position", "position", "pk")
        ),
        effects=supported(SideEffect),
        contraindications=supported(Contraindication),
        positions=supported(RegulatorPosition),
        areas=supported(TreatmentArea, "body_area"),
        concerns=supported(TreatmentConcern, "concern"),
        substances=supported(TreatmentSubstance, "substance"),
        statuses=list(
            SubstanceStatus.objects.filter(sources=source, substance__treatments__is_published=True)
            .select_related("substance")
            .distinct()
        ),
        aliases=supported(Alias),
        answers=list(source.answers.published().select_related("treatment")),
        films=list(
            source.films.filter(is_published=True, treatment__is_published=True).select_related(
                "treatment"
            )
        ),
        checked_count=source.checks_of_claims.public().count(),
    )
    return render(
        request,
        "treatments/source_detail.html",
        {
            "source": source,
            "taken": taken,
            "claim_count": len(claims),
            "canonical": request.build_absolute_uri(source.get_absolute_url()),
        },
    )
