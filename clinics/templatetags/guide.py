"""The way from a page of the admin to its section of the staff guide."""

from django import template

from clinics.staff_guide import SECTIONS

register = template.Library()


@register.simple_tag
def guide_section(opts) -> str:
    """The anchor of the section about a model, by its `_meta`; empty where the guide has none."""
    return SECTIONS.get(opts.label_lower, "")
