"""Where a reader says that something in a listing is wrong. No cookie and no account: see ADR 8."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from treatments.sealed_form import is_from_our_page
from treatments.sending_limit import may_send

from .correction_form import CorrectionForm
from .corrections import KEPT, store
from .models import Clinic, Correction

CORRECTIONS_AN_HOUR = 10
TOO_MANY_REQUESTS, FORBIDDEN = 429, 403


def _clinic(slug) -> Clinic:
    return get_object_or_404(Clinic.objects.published().select_related("place"), slug=slug)


@never_cache
@csrf_exempt  # The form has a seal of its own and no cookie: see ADR 0008.
@require_http_methods(["GET", "HEAD", "POST"])
def correction(request, slug) -> HttpResponse:
    """The form. One query to show it. Storing one sends no mail; it leaves a notice of it."""
    clinic = _clinic(slug)
    status = 200
    if request.method != "POST":
        form = CorrectionForm(clinic)
    else:
        comes_from_us = is_from_our_page(request)
        form = CorrectionForm(clinic, request.POST, comes_from_us=comes_from_us)
        if form.is_valid():
            if _is_taken(request, clinic, form):
                return redirect("correction-sent", slug=slug)
            status = TOO_MANY_REQUESTS
        elif not comes_from_us:
            status = FORBIDDEN
    context = {
        "clinic": clinic,
        "form": form,
        "most_letters": Correction.MOST_LETTERS,
        "days": KEPT.days,
        "shows_sample_listings": clinic.is_sample,
    }
    return render(request, "clinics/correction.html", context, status=status)


def _is_taken(request, clinic, form) -> bool:
    """Store a valid form; when it was refused, the form says why."""
    told = form.cleaned_data
    if not may_send(request, "correction", CORRECTIONS_AN_HOUR):
        problem = _("Many came from your connection within the hour. Please send it in an hour.")
    elif not store(clinic, told["what"], told["words"], form.sending):
        problem = _("Many wait to be looked at for this clinic. Please come back in a few days.")
    else:
        return True
    form.add_error(None, problem)
    return False


@require_safe
def correction_sent(request, slug):
    """What happens now. One query."""
    clinic = _clinic(slug)
    context = {"clinic": clinic, "days": KEPT.days, "shows_sample_listings": clinic.is_sample}
    return render(request, "clinics/correction_sent.html", context)
