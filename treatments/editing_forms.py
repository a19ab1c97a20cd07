"""The forms with which the knowledge is edited: what they refuse, and what they ask about.

Who may use them is not asked here; see treatments/permissions.py.
"""

import json

from django import forms
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .content_files import UNITS
from .models import Claim, Source, Treatment
from .treatment_page import ANSWER_TITLES, QUESTION_TITLES
from .unique_rows import UniqueRows
from .wording import Flag, flags_in, reasons, rules_for_scripts

# Fields of a form that are about the change and not about the row.
ABOUT_THE_CHANGE = ("change_reason", "wording_read")
# Texts that are copied as they stand, or that nobody reads as a sentence.
QUOTED = {
    *("locator", "title", "publisher", "study_design", "dated", "other_urls", "country"),
    *("currency", "authority", "reviewed_by", "reference"),
}
LAYERS = ("skin", "under-the-skin", "depends", "unproven")
OTHER_ANSWERS = ("yes", "no", "weak", "depends", "unproven")


def is_public(row: models.Model) -> bool:
    """Whether visitors can see the row: everything but what belongs to a hidden treatment."""
    treatment = row if isinstance(row, Treatment) else getattr(row, "treatment", None)
    return treatment is None or treatment.is_published


def worded_fields(model: type[models.Model]) -> list[str]:
    """Names of the columns that hold our own public words."""
    texts = (models.CharField, models.TextField)
    codes = (models.SlugField, models.URLField)
    return [
        column.name
        for column in model._meta.concrete_fields
        if isinstance(column, texts)
        and not isinstance(column, codes)
        and column.editable
        and not column.choices
        and column.name not in QUOTED
    ]


class WordedForm(forms.ModelForm):
    """A form whose texts are read for words that sell; see treatments/wording.py.

    `flags` has, after validation, what was found in changed texts. A text without a source beside
    it is refused, changed or not.
    """

    # Models whose rows are or have a source by what they are.
    sourced_by_itself = (Source, Claim)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.flags: list[Flag] = []
        for name in self.worded():
            self.fields[name].widget.attrs["data-wording"] = ""

    def worded(self) -> list[str]:
        """Names of the form's fields that are read."""
        return [name for name in worded_fields(self._meta.model) if name in self.fields]

    def has_source(self) -> bool:
        """Whether the text stands beside a source, or was read and left as it is."""
        return (
            issubclass(self._meta.model, self.sourced_by_itself)
            or bool(self.cleaned_data.get("sources"))
            or bool(self.cleaned_data.get("wording_read"))
        )

    def clean(self):
        """Refuse flagged words without a source, each beside its field with the reason."""
        cleaned = super().clean()
        for name in self.worded():
            flags = flags_in(cleaned.get(name) or "")
            if name in self.changed_data:
                self.flags += flags
            if flags and not self.has_source():
                self.add_error(name, [*reasons(flags), self.way_out()])
        return cleaned

    def way_out(self) -> str:
        """What somebody can do about flagged words."""
        if "sources" in self.fields:
            return gettext("Attach the source and say who says it, or write it another way.")
        return gettext("Write it another way, or tick below that it is a quotation.")


class CatalogueForm(WordedForm):
    """A page of the catalogue, with the reason for the change."""

    change_reason = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
        help_text=_(
            "Kept in the history. Say what you read or who told you, such as “label of May 2026”."
        ),
    )
    wording_read = forms.BooleanField(
        label=_("I have read the flagged words: they are a quotation with its source."),
        required=False,
        help_text=_("Leave it empty when no words are flagged."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["wording_read"].widget.attrs["data-wording-rules"] = json.dumps(
            rules_for_scripts()
        )
        self.was_public = bool(self.instance.pk) and is_public(self.instance)

    @property
    def changed_columns(self) -> list[str]:
        """Names of the fields of the row that were changed."""
        return [name for name in self.changed_data if name not in ABOUT_THE_CHANGE]

    def clean(self):
        """Ask for the reason of a change that visitors see."""
        cleaned = super().clean()
        if self.changed_columns and not cleaned.get("change_reason"):
            treatment = cleaned.get("treatment")
            shown = cleaned.get("is_published", True) and (
                treatment is None or treatment.is_published
            )
            if self.was_public or shown:
                self.add_error(
                    "change_reason", _("Visitors see this. Say why you change it, in a few words.")
                )
        return cleaned


class TreatmentForm(CatalogueForm):
    """A treatment, whose review is told whole or not at all."""

    def clean(self):
        """Ask for what is missing of a review: when, when again, and by whom."""
        cleaned = super().clean()
        names = [
            name
            for name in ("last_reviewed", "next_review_due", "reviewed_by")
            if name in self.fields and name not in self.errors
        ]
        if any(cleaned.get(name) for name in names):
            for name in names:
                if not cleaned.get(name):
                    self.add_error(
                        name, _("A review has its day, the day of the next, and a name.")
                    )
        return cleaned


class RowsForm(WordedForm):
    """One of several rows on the page of what they belong to."""


class RowsFormSet(UniqueRows):
    """Rows that belong to a page; to change one of them needs the page's reason too."""

    def clean(self):
        """Refuse changed rows of a public page without a reason."""
        super().clean()
        reason = self.data.get("change_reason", "").strip()
        if self.has_changed() and not reason and is_public(self.instance):
            raise forms.ValidationError(
                _("You changed these rows. Say why in the field “Why” of this page.")
            )


def _duplicate(rows, values: dict):
    """The first stored row with these values, or None; empty values find nothing."""
    if any(value in ("", None) for value in values.values()):
        return None
    return rows.filter(**values).first()


class SourceForm(CatalogueForm):
    """A source. What the loader of files would refuse is refused here."""

    class Meta:
        widgets = {
            "year": forms.NumberInput(attrs={"min": 1900, "max": 2100}),
        }

    def clean_year(self):
        """Refuse a year that cannot be one of publication."""
        year = self.cleaned_data["year"]
        if year is not None and not 1900 <= year <= timezone.localdate().year + 1:
            raise forms.ValidationError(_("Write the year of publication, such as 2014."))
        return year

    def clean_other_urls(self):
        """Refuse lines that are no address, and an address written twice."""
        lines = self.cleaned_data["other_urls"].split()
        if len(set(lines)) < len(lines):
            raise forms.ValidationError(_("An address stands here twice."))
        for line in lines:
            if not line.startswith(("https://", "http://")):
                raise forms.ValidationError(
                    _("“%(line)s” is no address of a page."), params={"line": line}
                )
        return "\n".join(lines)

    def clean(self):
        """Ask for what lets a reader find the source again."""
        cleaned = super().clean()
        found = any(cleaned.get(name) for name in ("url", "other_urls", "publisher", "note"))
        if cleaned.get("reading") == Source.Reading.DIRECT and not found:
            self.add_error(
                "url", _("You read it: give its address, or say in the note where it is found.")
            )
        return cleaned

    def warnings(self) -> list[str]:
        """Whether another source looks the same. Up to two queries."""
        others = Source.objects.exclude(pk=self.instance.pk)
        cleaned = self.cleaned_data
        same = _duplicate(others, {"url": cleaned.get("url")}) or _duplicate(
            others, {"title__iexact": cleaned.get("title"), "year": cleaned.get("year")}
        )
        if not same:
            return []
        return [gettext("“%(slug)s” looks like the same source.") % {"slug": same.slug}]


class ClaimForm(CatalogueForm):
    """A claim. Every fault is said beside the field that it is in."""

    question = forms.ChoiceField(label=_("Question"), required=False)
    answer = forms.ChoiceField(label=_("Answer"), required=False)
    currency = forms.CharField(
        label=_("Currency"),
        required=False,
        max_length=3,
        help_text=_("Three-letter code. Only for money."),
        widget=forms.TextInput(attrs={"pattern": "[A-Za-z]{3}", "size": 4}),
        validators=[RegexValidator("^[A-Za-z]{3}$", _("Write three letters, such as EUR."))],
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, titles in (("question", QUESTION_TITLES), ("answer", ANSWER_TITLES)):
            if name in self.fields:
                stored = getattr(self.instance, name)
                others = [] if stored in titles else [(stored, stored)]
                self.fields[name].choices = [("", "---------"), *titles.items(), *others[:1]]
                self.fields[name].help_text = Claim._meta.get_field(name).help_text
        for name in {"low", "high"} & self.fields.keys():
            self.fields[name].widget.attrs["min"] = 0
        if "unit" in self.fields:
            units = {topic: sorted(allowed) for topic, allowed in UNITS.items()}
            # For static/js/wording.js, which says the same while somebody types.
            self.fields["unit"].widget.attrs |= {
                "data-units": json.dumps(units),
                "data-unfit": _("The topic is not counted in this unit."),
                "data-missing": _("A number needs a unit."),
                "data-reversed": _("The lower end is above the upper end."),
            }

    def clean_currency(self):
        """Capital letters, as everywhere."""
        return self.cleaned_data["currency"].upper()

    def clean(self):
        """Refuse what no reader could make sense of."""
        cleaned = super().clean()
        self._check_numbers(cleaned)
        self._check_unit(cleaned)
        self._check_coded(cleaned)
        if cleaned.get("verdict") in ("false", "misleading") and not cleaned.get("known"):
            self.add_error("known", _("Say what is known about a false or misleading claim."))
        if "treatments" in cleaned and not cleaned["treatments"] and not cleaned.get("is_general"):
            self.add_error(
                "treatments",
                _("Choose a treatment, or tick that it is about mesotherapy in general."),
            )
        return cleaned

    def _check_numbers(self, cleaned):
        low, high = cleaned.get("low"), cleaned.get("high")
        for name in ("low", "high"):
            if cleaned.get(name) is not None and cleaned[name] < 0:
                self.add_error(name, _("Write a number from 0 upwards."))
        if low is not None and high is not None and low > high:
            self.add_error("low", _("The lower end is above the upper end."))
        if (low is not None or high is not None) and cleaned.get("unit") == "":
            self.add_error("unit", _("A number needs a unit."))

    def _check_unit(self, cleaned):
        topic, unit = cleaned.get("topic"), cleaned.get("unit")
        allowed = UNITS.get(topic)
        labels = dict(Claim.Unit.choices)
        if unit and allowed and unit not in allowed:
            self.add_error(
                "unit",
                forms.ValidationError(
                    _("On “%(topic)s” a number is counted in %(units)s."),
                    params={
                        "topic": Claim.Topic(topic).label,
                        "units": ", ".join(str(labels[name]) for name in sorted(allowed)),
                    },
                ),
            )
        elif unit == "money" and topic and topic != "cost":
            self.add_error("unit", _("Only the topic “Cost” is counted in money."))
        if unit == "money":
            if not cleaned.get("currency") and "currency" not in self.errors:
                self.add_error("currency", _("An amount of money needs its currency."))
            if not cleaned.get("per"):
                self.add_error("per", _("Say what the amount of money buys."))
        elif cleaned.get("currency"):
            self.add_error("currency", _("Only an amount of money has a currency."))

    def _check_coded(self, cleaned):
        question, answer = cleaned.get("question"), cleaned.get("answer")
        if question and not answer:
            self.add_error("answer", _("Choose the answer that it gives to the question."))
        elif answer and not question:
            self.add_error("question", _("Choose the question that this answers."))
        elif question:
            allowed = LAYERS if question == "which-layer" else OTHER_ANSWERS
            if answer not in allowed and {"question", "answer"} & set(self.changed_data):
                titles = [str(ANSWER_TITLES[name]) for name in allowed]
                self.add_error(
                    "answer",
                    forms.ValidationError(
                        _("This question is answered by one of: %(answers)s."),
                        params={"answers": ", ".join(titles)},
                    ),
                )

    def warnings(self) -> list[str]:
        """Whether another claim says the same. One query."""
        cleaned = self.cleaned_data
        same_words = Q(words__iexact=cleaned.get("words"))
        if cleaned.get("low") is not None or cleaned.get("high") is not None:
            same_words |= Q(
                topic=cleaned.get("topic"),
                unit=cleaned.get("unit"),
                currency=cleaned.get("currency"),
                low=cleaned.get("low"),
                high=cleaned.get("high"),
            )
        others = Claim.objects.exclude(pk=self.instance.pk).filter(
            same_words, source=cleaned.get("source")
        )
        return [
            gettext("Claim %(reference)s of the same source looks the same.")
            % {"reference": claim.reference}
            for claim in others[:3]
        ]
