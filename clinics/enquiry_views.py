"""The pages on which a patient asks a clinic, reads the answer and deletes everything.

None of them sets a cookie, so Django's protection of forms is not used. What takes its place:

- The form for a request is taken only with our own signed key and only from our own page, which
  the browser names. Whoever forges one has the visitor see it, filled in, and sends nothing.
- The private page offers only what its unguessable address allows, and a forged form would have
  to know that address. Nothing there tells it to another page: it sends no Referer.

A cookie would cost a patient more than it protects: the form's page would answer differently once
the cookie is there, so Back would load it anew, with a new key, and make a second request.
"""

from django.conf import settings
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from treatments.sending_limit import PERIOD_SECONDS, may_send

from .enquiries import (
    KEPT,
    add_words,
    by_private_link,
    delete_enquiry,
    has_inbox,
    lines_of,
    new_form_token,
    private_secret,
    read_form_token,
    send,
    was_sent,
    words_of,
)
from .enquiry_forms import AdditionForm, EnquiryForm, Time
from .models import Clinic, EnquiryEntry, Language

# Of one network in an hour.
MOST_ENQUIRIES = 10
MOST_ADDITIONS_AN_HOUR = 30
PATIENT_SEES = [EnquiryEntry.Kind.ADDITION, EnquiryEntry.Kind.ANSWER]
FORM_METHODS = require_http_methods(["GET", "HEAD", "POST"])


def _clinic_to_ask(slug):
    clinics = Clinic.objects.published().select_related("place__country")
    return get_object_or_404(
        clinics.prefetch_related("languages").annotate(has_inbox=has_inbox()), slug=slug
    )


def _context(clinic) -> dict:
    return {"clinic": clinic, "days": KEPT.days, "shows_sample_listings": clinic.is_sample}


@require_safe
def ask(request, slug):
    """The form with which to ask one clinic for a consultation. Eight queries."""
    clinic = _clinic_to_ask(slug)
    if not clinic.has_inbox:
        return render(request, "clinics/enquiry_no_inbox.html", _context(clinic))
    context = {"form": EnquiryForm(clinic), "token": new_form_token(clinic), **_context(clinic)}
    response = render(request, "clinics/enquiry_form.html", context)
    # Not "no-store": Back must show the same form with the same key, and make no second request.
    response["Cache-Control"] = "private, no-cache"
    return response


def _is_from_our_page(request) -> bool:
    """Whether the browser says that the form was sent from a page of ours."""
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    own = f"{request.scheme}://{request.get_host()}"
    return origin == own or origin in settings.CSRF_TRUSTED_ORIGINS


@FORM_METHODS
@csrf_exempt
@sensitive_post_parameters()
def take(request, slug):
    """Take the form. It has an address of its own, or browsers would forget the form's page.

    Then Back would bring the words with a new key, and pressing once more a second request.
    """
    if request.method != "POST":
        return redirect("enquiry-ask", slug=slug)
    clinic = _clinic_to_ask(slug)
    if not clinic.has_inbox:
        return render(request, "clinics/enquiry_no_inbox.html", _context(clinic), status=409)
    sent_token = request.POST.get("token", "")
    token = read_form_token(sent_token, clinic)
    is_ours = _is_from_our_page(request)
    if is_ours and token and was_sent(token):
        return _to_private_page(token, "?again")
    form = EnquiryForm(clinic, request.POST)
    problem = ""
    if token is None or token.is_old:
        problem, sent_token = "old", new_form_token(clinic)
    is_complete = form.is_valid()
    if form.was_filled_in_by_a_program:
        problem = "program"
    elif not is_ours:
        problem = "foreign"
    elif is_complete and token and token.is_hasty:
        problem = "hasty"
    if is_complete and not problem:
        if may_send(request, "enquiry", MOST_ENQUIRIES):
            is_first = send(clinic, form.words(), token)
            return _to_private_page(token, "?sent" if is_first else "?again")
        problem = "limit"
    context = {"form": form, "token": sent_token, "problem": problem, **_context(clinic)}
    response = render(
        request, "clinics/enquiry_form.html", context, status=429 if problem == "limit" else 200
    )
    response["Cache-Control"] = "no-store"
    if problem == "limit":
        response["Retry-After"] = str(PERIOD_SECONDS)
    return response


def _to_private_page(token, query):
    page = redirect("enquiry", secret=private_secret(token.key))
    return HttpResponseRedirect(page.url + query, status=303)


def private(view):
    """For a page behind a private link: kept nowhere, indexed nowhere, its address told nobody.

    The view gets the request that the link leads to; a link that leads to none is a 404.
    """

    @csrf_exempt
    @sensitive_post_parameters()
    def guarded(request, secret):
        enquiry = by_private_link(secret)
        if enquiry is None:
            response = render(request, "clinics/enquiry_gone.html", {"days": KEPT.days}, status=404)
        else:
            response = view(request, secret, enquiry)
        response["Cache-Control"] = "no-store, private"
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return response

    return guarded


@FORM_METHODS
@private
def enquiry(request, secret, found):
    """What a patient asked, what came back, and a form to add to it."""
    form = AdditionForm(request.POST if request.method == "POST" else None)
    problem = ""
    if form.is_bound and form.is_valid():
        if not may_send(request, "addition", MOST_ADDITIONS_AN_HOUR):
            problem = "limit"
        elif add_words(found, form.cleaned_data["text"]):
            return HttpResponseRedirect(f"{request.path}?added", status=303)
        else:
            problem = "full"
    words = words_of(found)
    return render(
        request,
        "clinics/enquiry.html",
        {
            "enquiry": found,
            "words": words,
            "language": Language.objects.filter(code=words["language"]).first(),
            "time": dict(Time.choices).get(words["time"], ""),
            "lines": lines_of(found, PATIENT_SEES),
            "form": form,
            "problem": problem,
            "news": next((key for key in ("sent", "again", "added") if key in request.GET), ""),
            "secret": secret,
            "link": request.build_absolute_uri(request.path),
            "shows_sample_listings": found.clinic.is_sample,
        },
        status=429 if problem == "limit" else 200,
    )


@FORM_METHODS
@private
def delete(request, secret, found):
    """Ask whether to delete everything; do so when the answer comes as a form."""
    if request.method == "POST":
        delete_enquiry(found)
        return HttpResponseRedirect(redirect("enquiry-deleted").url, status=303)
    return render(request, "clinics/enquiry_delete.html", {"enquiry": found, "secret": secret})


@require_safe
def deleted(request):
    """Say that everything is deleted. No query."""
    response = render(request, "clinics/enquiry_deleted.html")
    response["X-Robots-Tag"] = "noindex"
    return response
