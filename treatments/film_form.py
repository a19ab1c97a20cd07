"""The form with which a film is edited: what it refuses, and what it finds out by itself."""

from babel import Locale
from django import forms
from django.contrib.admin.widgets import AdminFileWidget
from django.utils.translation import gettext_lazy as _

from .editing_forms import CatalogueForm
from .films import RefusedFilm, check_captions, media_type_of


class FilmForm(CatalogueForm):
    """A film. Its type is read from the file, and its captions are checked line by line."""

    address = forms.URLField(
        label=_("Page elsewhere"),
        required=False,
        max_length=500,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"class": "vURLField", "placeholder": "https://"}),
        help_text=_(
            "Where the film is shown by somebody else. Readers get a link and are told which "
            "site it opens. Leave empty when the film itself is stored here."
        ),
    )

    class Meta:
        help_texts = {
            "treatment": _("On the page of which treatment it is shown."),
            "is_published": _("Readers see the film only with this ticked."),
            "position": _("The film with the lowest number comes first, such as 0."),
        }
        widgets = {"file": AdminFileWidget(attrs={"accept": "video/mp4,video/webm"})}

    def clean_address(self):
        """Refuse a page that anybody on the way could read or change."""
        address = self.cleaned_data["address"]
        if address and not address.startswith("https://"):
            raise forms.ValidationError(_("The address must begin with https://."))
        return address

    def clean_language(self):
        """Refuse what is no code of a language, so that captions are read out rightly."""
        code = self.cleaned_data["language"].strip().lower()
        if code not in Locale("en").languages:
            raise forms.ValidationError(_("Write a code of two letters, such as en, fr or tr."))
        return code

    def clean_file(self):
        """Take a film by what it holds, and note its type."""
        sent = self.cleaned_data.get("file")
        if "file" in self.changed_data and sent:
            try:
                self.instance.media_type = media_type_of(sent)
            except RefusedFilm as refused:
                raise forms.ValidationError(str(refused)) from refused
        elif not sent:
            self.instance.media_type = ""
        # A ticked "clear" arrives as False, which the model's own rules do not know.
        return sent or ""

    def clean_captions(self):
        """Take captions by what they hold; what is stored is written anew."""
        sent = self.cleaned_data.get("captions")
        if "captions" in self.changed_data and sent:
            try:
                return check_captions(sent).file
            except RefusedFilm as refused:
                raise forms.ValidationError(str(refused)) from refused
        return sent or ""

    def clean(self):
        """Ask for one of file and page, and for captions with a file, beside the field."""
        cleaned = super().clean()
        if {"file", "address", "captions"} & self.errors.keys():
            return cleaned
        file, address, captions = (cleaned.get(name) for name in ("file", "address", "captions"))
        if file and address:
            self.add_error("address", _("Give the file or the page, not both."))
        elif not file and not address:
            self.add_error("file", _("Give the file of the film, or the page it is on."))
        elif file and not captions:
            self.add_error("captions", _("A film needs captions, for those who cannot hear it."))
        elif captions and not file:
            self.add_error("captions", _("Captions need a film file. Take them out."))
        return cleaned

    @property
    def replaced_files(self) -> list[str]:
        """Names of stored files that the row no longer names once it is saved."""
        return [
            self.initial[name].name
            for name in ("file", "captions")
            if name in self.changed_data and self.initial.get(name)
        ]
