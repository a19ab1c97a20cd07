"""The page that sets treatments side by side."""

from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from . import structured_data
from .comparison import DETAILS, MOST, PARAMETER, Comparison, choose
from .models import Treatment


@require_safe
def treatment_compare(request):
    """Up to four treatments side by side, or the choice of them.

    One query for the choice; thirteen, whatever their number, when some are compared.
    """
    every = list(Treatment.objects.published())
    choice = choose(request.GET.getlist(PARAMETER), every)
    comparison = None
    if choice.shown:
        slugs = [treatment.slug for treatment in choice.shown]
        loaded = Treatment.objects.published().filter(slug__in=slugs)
        comparison = Comparison(list(loaded.prefetch_related(*DETAILS)), timezone.localdate())
    kinds = [
        (str(label), [treatment for treatment in every if treatment.kind == kind])
        for kind, label in (
            (Treatment.Kind.PROCEDURE, _("Mesotherapy")),
            (Treatment.Kind.RELATED, _("Related methods")),
            (Treatment.Kind.COMPARISON, _("For comparison")),
        )
    ]
    address = reverse("treatment-compare")
    trail = [
        (_("Home"), reverse("home")),
        (_("Treatments"), reverse("treatment-list")),
        (_("Compare"), address),
    ]
    return render(
        request,
        "treatments/compare.html",
        {
            "choice": choice,
            "comparison": comparison,
            "kinds": [(label, found) for label, found in kinds if found],
            "shown_slugs": {treatment.slug for treatment in choice.shown},
            "most": MOST,
            "canonical": request.build_absolute_uri(
                address + choice.query if choice.shown else address
            ),
            "breadcrumb_data": structured_data.breadcrumbs(trail, request.build_absolute_uri),
        },
    )
