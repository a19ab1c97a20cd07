"""The photos of a clinic in the admin: several at once go in, words and order are kept.

A mixin for the admin of clinics, which says whose clinic is whose. All rows stand in one form, so
that no button loses what was typed elsewhere. The script in static/js/photos.js sends each file
by itself and shows how far it is; without it the same form sends them together.
"""

from csp.constants import NONE
from csp.decorators import csp
from django.db import transaction
from django.http import FileResponse, Http404, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from treatments.history import one_change

from .listing_forms import PhotoForm
from .models import Clinic, Photo
from .photo_decoder import MAX_BYTES
from .photo_folders import private_path, public_path
from .photo_keeping import MOST_PHOTOS, add_photo
from .photo_making import prepare_soon, take_off_now, try_again
from .photos import SENTENCES, NotLookedAt, RefusedPhoto

# Of one form without the script. Together they may have what the web server lets through.
MOST_AT_ONCE = 10
LONGEST_FILE_NAME = 60
SECONDS_OF_A_PREVIEW = 600


class PhotoPages:
    """For the ModelAdmin of clinics: the pages on a clinic's photos."""

    def get_urls(self):
        """Those of the clinic, and before them ours: the last of them takes any address."""
        view = self.admin_site.admin_view
        photos, photo = "<int:clinic_id>/photos/", "<int:clinic_id>/photos/<int:photo_id>/"
        return [
            path(photos, view(self.photos_view), name="clinics_clinic_photos"),
            path(f"{photos}states/", view(self.states_view), name="clinics_clinic_photo_states"),
            path(
                f"{photo}picture/",
                view(self.picture_view, cacheable=True),
                name="clinics_clinic_photo_picture",
            ),
            path(
                f"{photo}delete/", view(self.delete_photo_view), name="clinics_clinic_photo_delete"
            ),
            *super().get_urls(),
        ]

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        """Say on the clinic's own page how many photos there are. One query."""
        if obj:
            photos = Photo.objects.filter(clinic=obj)
            shown = sum(photo.is_shown for photo in photos)
            context |= {"photos_shown": shown, "photos_kept": len(photos) - shown}
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def clinic_to_edit(self, request, clinic_id: int) -> Clinic:
        """The clinic; Http404 for one that is not there and for one of somebody else."""
        clinic = self.get_object(request, str(clinic_id))
        if clinic is None or not self.has_change_permission(request, clinic):
            raise Http404
        return clinic

    def photo_to_edit(self, request, clinic_id: int, photo_id: int) -> Photo:
        """A photo of that clinic; Http404 as above."""
        clinic = self.clinic_to_edit(request, clinic_id)
        photo = get_object_or_404(Photo.objects.filter(clinic=clinic), pk=photo_id)
        # With the one that is here already: its status decides what is said.
        photo.clinic = clinic
        return photo

    # --- All photos

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def photos_view(self, request, clinic_id):
        """The page, and whatever one of its buttons does."""
        clinic = self.clinic_to_edit(request, clinic_id)
        if request.method != "POST":
            return self.photos_page(request, clinic)
        if request.headers.get("Accept") == "application/json":
            return self.answer_about_one_file(request, clinic)
        changed = self.save_rows(request, clinic)
        files = request.FILES.getlist("photos")
        refusals = add_files(clinic, files[:MOST_AT_ONCE], request.user)
        refusals += [(name_of(file), too_many_at_once()) for file in files[MOST_AT_ONCE:]]
        prepare_soon()
        verb, _hyphen, key = request.POST.get("do", "").partition("-")
        if refusals or not all(form.is_valid() for form in changed.values()):
            return self.photos_page(request, clinic, changed, refusals)
        if verb == "add" and not files:
            return self.photos_page(request, clinic, changed, [("", gettext("Choose a photo."))])
        if any(form.has_changed() for form in changed.values()):
            self.message_user(request, _("Saved."))
        return HttpResponseRedirect(self.after_saving(request, clinic, verb, key))

    def after_saving(self, request, clinic, verb: str, key: str) -> str:
        """Do what the button says about one photo; the address to go on at."""
        page = reverse("admin:clinics_clinic_photos", args=[clinic.pk])
        photos = Photo.objects.filter(clinic=clinic)
        if not (key.isascii() and key.isdecimal() and photos.filter(pk=key).exists()):
            return page
        if verb == "delete":
            return reverse("admin:clinics_clinic_photo_delete", args=[clinic.pk, key])
        if verb in ("up", "down"):
            move(clinic, int(key), -1 if verb == "up" else 1, request.user)
        if verb == "again":
            try_again(photos.filter(pk=key))
            prepare_soon()
        return f"{page}#photo-{key}"

    def save_rows(self, request, clinic) -> dict[int, PhotoForm]:
        """Save what is right of the rows that were sent; their forms by photo."""
        forms = {}
        with one_change(request.user):
            for photo in Photo.objects.filter(clinic=clinic):
                if f"photo-{photo.pk}-position" not in request.POST:
                    continue
                form = forms[photo.pk] = PhotoForm(request.POST, instance=photo)
                if form.has_changed() and form.is_valid():
                    # Only what was changed: a worker may be writing the rest of the row.
                    form.instance.save(update_fields=form.changed_data)
                    # Who withdraws consent should not have to wait.
                    transaction.on_commit(lambda photo=photo: take_off_now(photo.pk))
        return forms

    def answer_about_one_file(self, request, clinic):
        """For the script: the row of the photo that was sent, or why it was refused."""
        file = request.FILES.get("photos")
        if file is None:
            return JsonResponse({"refused": gettext("Choose a photo.")})
        try:
            photo = add_photo(clinic.pk, file, request.user)
        except RefusedPhoto as refusal:
            may_go_better = isinstance(refusal, NotLookedAt)
            return JsonResponse({"refused": str(refusal), "again": may_go_better})
        photo.clinic = clinic
        row = {"photo": photo, "form": PhotoForm(instance=photo)}
        html = render_to_string("admin/clinics/clinic/_photo.html", row, request)
        return JsonResponse({"row": html})

    def photos_page(self, request, clinic, changed=None, refusals=()):
        """The page. `changed` are forms as they were sent, by photo. One query."""
        rows = []
        for photo in Photo.objects.filter(clinic=clinic):
            form = (changed or {}).get(photo.pk)
            is_wrong = form is not None and not form.is_valid()
            photo.clinic = clinic
            rows.append({"photo": photo, "form": form if is_wrong else PhotoForm(instance=photo)})
        context = {
            **self.admin_site.each_context(request),
            "title": _("Photos"),
            "subtitle": clinic.name,
            "opts": self.opts,
            "original": clinic,
            "rows": rows,
            "has_wrong_rows": any(row["form"].is_bound for row in rows),
            "refusals": refusals,
            "room": MOST_PHOTOS - len(rows),
            "most": MOST_PHOTOS,
            "most_at_once": MOST_AT_ONCE,
            "most_bytes": MAX_BYTES,
            "too_large": SENTENCES["bytes"],
        }
        return TemplateResponse(request, "admin/clinics/clinic/photos.html", context)

    @method_decorator(require_safe)
    def states_view(self, request, clinic_id):
        """For the script: how far those of the asked photos are that are still there."""
        clinic = self.clinic_to_edit(request, clinic_id)
        asked, found = set(request.GET.getlist("photo")), {}
        for photo in Photo.objects.filter(clinic=clinic):
            if str(photo.pk) not in asked:
                continue
            photo.clinic = clinic
            found[photo.pk] = render_to_string(
                "admin/clinics/clinic/_photo_state.html", {"photo": photo}, request
            )
        return JsonResponse({"states": found})

    # --- One photo

    @method_decorator(csp({"default-src": [NONE], "sandbox": True}))
    @method_decorator(require_safe)
    def picture_view(self, request, clinic_id, photo_id):
        """The private copy, for those who may edit the clinic."""
        photo = self.photo_to_edit(request, clinic_id, photo_id)
        for place in (private_path(photo.image.name), public_path(photo.image.name)):
            if place.is_file():
                response = FileResponse(place.open("rb"), content_type="image/jpeg")
                patch_cache_control(response, private=True, max_age=SECONDS_OF_A_PREVIEW)
                return response
        raise Http404

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def delete_photo_view(self, request, clinic_id, photo_id):
        """Ask first, then delete the photo with all its files."""
        photo = self.photo_to_edit(request, clinic_id, photo_id)
        if request.method == "POST":
            with one_change(request.user):
                photo.delete()
            self.message_user(request, _("The photo is deleted."))
            return HttpResponseRedirect(reverse("admin:clinics_clinic_photos", args=[clinic_id]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Delete this photo?"),
            "subtitle": photo.clinic.name,
            "opts": self.opts,
            "original": photo.clinic,
            "photo": photo,
        }
        return TemplateResponse(request, "admin/clinics/clinic/delete_photo.html", context)


def name_of(file) -> str:
    """What the sender called a file, short enough for a line."""
    return Truncator(file.name).chars(LONGEST_FILE_NAME)


def too_many_at_once() -> str:
    """Why a file of a form was not taken that had too many."""
    return gettext("At most %(most)d at a time. Choose this one again.") % {"most": MOST_AT_ONCE}


def add_files(clinic, files, user) -> list[tuple[str, str]]:
    """Add each; the names of those that were refused, each with its sentence."""
    refusals = []
    for file in files:
        try:
            add_photo(clinic.pk, file, user)
        except RefusedPhoto as refusal:
            refusals.append((name_of(file), str(refusal)))
    return refusals


def move(clinic, photo_id: int, by: int, user):
    """Move a photo by one place, and number all of them anew."""
    with one_change(user):
        Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
        photos = list(Photo.objects.filter(clinic=clinic))
        at = [photo.pk for photo in photos].index(photo_id)
        to = min(max(at + by, 0), len(photos) - 1)
        photos.insert(to, photos.pop(at))
        for position, photo in enumerate(photos, start=1):
            if photo.position != position:
                photo.position = position
                photo.save(update_fields=["position"])
