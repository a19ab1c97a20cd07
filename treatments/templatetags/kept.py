"""Parts of a page that are rendered once for each set of values and then kept."""

import sys

from django import template
from django.template.defaulttags import CsrfTokenNode
from django.template.loader_tags import BlockNode
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from ..recently_used import RecentlyUsed

register = template.Library()

# Of each place in a template that keeps something.
MOST_KEPT = 5000
MOST_BYTES = 4 * 2**20


class KeptNode(template.Node):
    """A part of a template with what it came to for each set of values and language."""

    # Pages look for blocks in all that stands in base.html, every time; here is none.
    child_nodelists = ()

    def __init__(self, nodelist, values):
        self.nodelist = nodelist
        self.values = values
        self.kept: RecentlyUsed[SafeString] = RecentlyUsed(MOST_KEPT, MOST_BYTES)

    def render(self, context) -> SafeString:
        """What was kept for these values, or else the part as Django renders it."""
        values = tuple([value.resolve(context, ignore_failures=True) for value in self.values])
        # With their types: 1 and True are equal and print differently, and so do a text and
        # the same text marked safe.
        key = (get_language(), values, tuple(map(type, values)))
        html = self.kept.get(key)
        if html is None:
            # Variables set inside stay inside, since they would not be set the next time.
            with context.push():
                html = self.nodelist.render(context)
            self.kept.keep(key, html, sys.getsizeof(html))
        return html


@register.tag
def kept(parser, token) -> KeptNode:
    """{% kept a b %}...{% endkept %}: what stands inside depends on `a`, `b` and the language.

    On nothing else: whatever else it prints is shown again to the next visitor. The values
    can be hashed, and equal ones print alike. Costs a few microseconds once kept. A block or a
    form's token inside is refused, since these belong to one page and one visitor.
    """
    values = [parser.compile_filter(word) for word in token.split_contents()[1:]]
    nodelist = parser.parse(("endkept",))
    parser.delete_first_token()
    for unfit in (BlockNode, CsrfTokenNode):
        if nodelist.get_nodes_by_type(unfit):
            raise template.TemplateSyntaxError(f"{unfit.__name__} cannot stand in a kept part.")
    return KeptNode(nodelist, values)
