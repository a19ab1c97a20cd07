"""The home of a clinic in the admin, the preview of its page, and evidence of checks.

Each asks first whose clinic it is: another's is not found, as one that never was.
"""

from functools import wraps

from django.contrib import admin, messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from .clinic_page import clinics_with_page, page_of
from .confirmation import confirm_all
from .evidence_files import SUFFIXES, TYPES
from .home_page import home_of
from .models import CheckEvidence, Clinic
from .permissions import clinics_of, is_editor


def of_the_admin(view):
    """A page inside the admin that no browser keeps and no search engine lists."""

    @wraps(view)
    def inner(request, key) -> HttpResponse:
        response = view(request, key)
        response["X-Robots-Tag"] = "noindex"
        return response

    return admin.site.admin_view(never_cache(inner))


def own_clinic(request, key) -> Clinic:
    """The clinic with this primary key, if this person may edit it. Raises Http404."""
    return get_object_or_404(clinics_of(request.user), pk=key)


@require_safe
@of_the_admin
def home(request, key):
    """What waits at a clinic, and how it is looked at. Eighteen queries, besides the admin's."""
    clinic = own_clinic(request, key)
    context = {
        **admin.site.each_context(request),
        "title": clinic.name,
        "opts": Clinic._meta,
        "home": home_of(clinic),
    }
    return TemplateResponse(request, "admin/clinics/home.html", context)


@require_POST
@of_the_admin
def confirm(request, key):
    """“Everything still correct”: date the clinic's word and its prices with today."""
    clinic = own_clinic(request, key)
    confirm_all(clinics_of(request.user).filter(pk=clinic.pk), request.user)
    clinic_admin = admin.site.get_model_admin(Clinic)
    clinic_admin.log_change(request, clinic, str(_("Everything still correct.")))
    messages.success(request, _("Thank you. Listing and prices are confirmed as of today."))
    return HttpResponseRedirect(reverse("clinic-home", args=[clinic.pk]))


@require_safe
@of_the_admin
def preview(request, key):
    """The clinic's page as patients see it, or would, whatever its status."""
    own_clinic(request, key)
    clinic = get_object_or_404(clinics_with_page(), pk=key)
    context = page_of(clinic, request.GET.get("currency", ""))
    return render(request, "clinics/clinic_detail.html", context | {"is_preview": True})


@require_safe
@of_the_admin
def evidence(request, key):
    """Hand a file of a check to an editor, as a download; each time is noted with the check.

    It came from outside: the browser is told its kind, not to guess another, and to give it no
    rights.
    """
    if not is_editor(request.user):
        raise Http404
    found = get_object_or_404(CheckEvidence.objects.select_related("of_check"), pk=key)
    try:
        file = found.file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    check_admin = admin.site.get_model_admin(type(found.of_check))
    check_admin.log_change(
        request, found.of_check, _("Opened the evidence “%(name)s”.") % {"name": found.name}
    )
    response = FileResponse(
        file,
        as_attachment=True,
        filename=f"check-{found.of_check_id}-{found.pk}{SUFFIXES[found.kind]}",
        content_type=TYPES[found.kind],
    )
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    return response
