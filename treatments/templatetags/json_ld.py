"""Descriptions for machines (schema.org), printed safely into a page."""

import json

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

# The letters that could end the script element or start another, as JSON escapes.
_ESCAPES = (("<", "\\u003C"), (">", "\\u003E"), ("&", "\\u0026"))


@register.simple_tag
def json_ld(description: dict | None) -> str:
    """The description as a JSON-LD block; nothing for None. It is data, never run."""
    if not description:
        return ""
    text = json.dumps(description, cls=DjangoJSONEncoder, ensure_ascii=False)
    for letter, escape in _ESCAPES:
        text = text.replace(letter, escape)
    # Safe by now: what is left cannot leave the element.
    return format_html('<script type="application/ld+json">{}</script>', SafeString(text))
