"""The pages on which people claim a listing, accept an invitation, and look after the people of it.

None of them is for search engines or for keeping: addresses in them are proof of something.
"""

import functools

from django.contrib import admin, messages
from django.contrib.auth import get_user_model, login
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from treatments.sending_limit import may_send

from . import claims
from .claim_forms import ClaimForm, InvitationForm, NewAccountForm
from .models import Clinic, Membership
from .permissions import clinics_owned_by

CLAIMS_AN_HOUR, NEW_ACCOUNTS_AN_HOUR, INVITATIONS_AN_HOUR = 5, 20, 30
BACKEND = "accounts.backends.PasswordBackend"


def private_page(view):
    """A page that no browser keeps and no search engine lists.

    The site's own Referrer-Policy hides its address from other sites. "no-referrer" would make
    browsers send forms with "Origin: null", which the protection against forged forms refuses.
    """

    @never_cache
    @functools.wraps(view)
    def inner(request, *args, **kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["X-Robots-Tag"] = "noindex"
        return response

    return inner


def too_many(request):
    """The answer to a form that was sent too often."""
    return render(request, "clinics/claim_too_many.html", status=429)


# --- Claims


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def claim(request, slug):
    """Claim a published clinic. One query to show it."""
    clinic = get_object_or_404(Clinic.objects.published().select_related("place"), slug=slug)
    form = ClaimForm(request.POST or None, clinic=clinic)
    if request.method == "POST":
        if not may_send(request, "claim", CLAIMS_AN_HOUR * 4):
            return too_many(request)
        if form.is_from_a_program():
            # It is told what a person is told, and learns nothing.
            return redirect("claim-sent", slug=clinic.slug)
        if form.is_valid():
            if not may_send(request, "claim stored", CLAIMS_AN_HOUR):
                return too_many(request)
            claims.make_claim(form.instance)
            return redirect("claim-sent", slug=clinic.slug)
    return render(request, "clinics/claim.html", {"clinic": clinic, "form": form})


@private_page
@require_http_methods(["GET", "HEAD"])
def claim_sent(request, slug):
    """What happens next, the same for everybody. One query."""
    clinic = get_object_or_404(Clinic.objects.published(), slug=slug)
    return render(request, "clinics/claim_sent.html", {"clinic": clinic})


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def claim_confirm(request, token):
    """Confirm the address of a claim: by a button, because programs follow links in mails."""
    found = claims.claim_of(token)
    if request.method == "POST" and found and claims.confirm_email(found):
        return render(request, "clinics/claim_confirmed.html", {"clinic": found.clinic})
    status = 200 if found else 410
    return render(request, "clinics/claim_confirm.html", {"claim": found}, status=status)


# --- Invitations


@private_page
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request, token):
    """Accept an invitation, signed in with its address or with a new account for it."""
    found = claims.invitation_of(token)
    if found is None:
        return render(request, "clinics/claim_invitation.html", {"invitation": None}, status=410)
    person = request.user
    context = {
        "invitation": found,
        "is_signed_in": admin.site.has_permission(request),
        "is_theirs": person.is_authenticated and person.email.casefold() == found.email.casefold(),
        "has_account": claims.has_account(found.email),
        "here": request.path,
    }
    if not context["is_signed_in"] and not context["has_account"]:
        context["form"] = NewAccountForm(
            request.POST or None, user=get_user_model()(email=found.email)
        )
    if request.method == "POST":
        answer = _accept(request, found, context)
        if answer is not None:
            return answer
    return render(request, "clinics/claim_invitation.html", context)


def _accept(request, found, context):
    """The answer to an acceptance that went well; None where the page is to be shown again."""
    try:
        if context["is_signed_in"]:
            claims.accept(found, request.user)
        elif "form" not in context:
            return redirect_to_login(request.path, reverse("admin:login"))
        else:
            if not may_send(request, "new account", NEW_ACCOUNTS_AN_HOUR):
                return too_many(request)
            if not context["form"].is_valid():
                return None
            user = claims.accept_with_new_account(found, context["form"].cleaned_data["password"])
            login(request, user, BACKEND)
    except claims.Refused as refusal:
        context["problem"] = str(refusal)
        return None
    messages.success(
        request,
        _("You may now edit the listing of %(clinic)s.") % {"clinic": found.clinic},
    )
    return redirect("admin:index")


# --- The people of a clinic


def for_owners(view):
    """For a view of a clinic's people: `view(request, clinic)`. Another's clinic is not found."""

    @private_page
    @functools.wraps(view)
    def inner(request, slug) -> HttpResponse:
        if not admin.site.has_permission(request):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        clinic = get_object_or_404(clinics_owned_by(request.user), slug=slug)
        return view(request, clinic)

    return inner


@for_owners
@require_http_methods(["GET", "HEAD", "POST"])
def people(request, clinic):
    """Who works on the listing; POST invites somebody. Six queries, however many people."""
    form = InvitationForm(request.POST or None)
    if request.method == "POST":
        if not may_send(request, "invitation", INVITATIONS_AN_HOUR):
            return too_many(request)
        if form.is_valid():
            try:
                claims.invite(clinic, request.user, **form.cleaned_data)
            except claims.Refused as refusal:
                form.add_error("email", str(refusal))
            else:
                messages.success(request, _("The invitation is on its way."))
                return redirect("clinic-people", slug=clinic.slug)
    members = clinic.memberships.select_related("user").order_by("role", "user__username")
    context = {
        "clinic": clinic,
        "form": form,
        "members": members,
        "owner_count": sum(member.role == Membership.Role.OWNER for member in members),
        "invitations": clinic.invitations.open(),
    }
    return render(request, "clinics/claim_people.html", context)


@for_owners
@require_POST
def revoke_invitation(request, clinic):
    """Take back an open invitation to this clinic."""
    found = get_object_or_404(clinic.invitations, pk=_number(request.POST.get("invitation")))
    if claims.revoke(found):
        messages.success(request, _("The invitation does not work any more."))
    return redirect("clinic-people", slug=clinic.slug)


@for_owners
@require_POST
def remove_member(request, clinic):
    """End somebody's membership of this clinic; the last owner stays."""
    found = get_object_or_404(clinic.memberships, pk=_number(request.POST.get("member")))
    is_own = found.user_id == request.user.pk
    try:
        claims.remove_member(found)
    except claims.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("This person cannot edit the listing any more."))
        if is_own:
            return redirect("admin:index")
    return redirect("clinic-people", slug=clinic.slug)


def _number(text) -> int:
    """A primary key from a form; anything that is none finds nothing."""
    is_number = bool(text) and text.isascii() and text.isdigit() and len(text) < 19
    return int(text) if is_number else 0
