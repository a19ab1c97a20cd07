"""What pages keep of themselves: never another visitor's, another language's or another value's."""

import threading
from dataclasses import replace

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as st

from treatments.facets import Facet, Option
from treatments.recently_used import RecentlyUsed

# --- The memory behind all of it


def test_what_was_used_longest_ago_makes_room():
    memory = RecentlyUsed(most=2)
    memory.keep("a", 1)
    memory.keep("b", 2)
    assert memory.get("a") == 1
    memory.keep("c", 3)
    assert [memory.get(key) for key in "abc"] == [1, None, 3]
    assert len(memory) == 2


def test_it_holds_no_more_bytes_than_allowed():
    memory = RecentlyUsed(most=100, most_bytes=100)
    for key in range(10):
        memory.keep(key, str(key), size=30)
    assert (len(memory), memory.bytes) == (3, 90)
    memory.keep(9, "smaller", size=10)
    assert (len(memory), memory.bytes) == (3, 70)
    assert memory.get(9) == "smaller"
    memory.keep("too large", "x", size=101)
    assert (len(memory), memory.bytes) == (0, 0)
    memory.keep(1, "1", size=1)
    memory.clear()
    assert (len(memory), memory.bytes, memory.get(1)) == (0, 0, None)


def test_threads_share_it():
    memory = RecentlyUsed(most=10, most_bytes=1000)

    def use():
        for number in range(2000):
            memory.keep(number % 30, number % 30, size=number % 7)
            assert memory.get(number % 11) in (None, number % 11)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(memory) <= 10
    kept = [key for key in range(30) if memory.get(key) is not None]
    assert len(kept) == len(memory)


# --- Kept parts of templates


class Counted:
    """Says how often it was printed."""

    def __init__(self):
        self.times = 0

    def __str__(self):
        self.times += 1
        return f"printed {self.times}"


def kept(source: str) -> Template:
    return Template("{% load i18n kept %}" + source)


def test_a_kept_part_is_rendered_once_for_each_value():
    template = kept("{% kept a b %}{{ a }} {{ b }} {{ counted }}{% endkept %}")
    counted = Counted()

    def page(a, b):
        return template.render(Context({"a": a, "b": b, "counted": counted}))

    assert [page("x", "y"), page("x", "z"), page("x", "y")] == [
        "x y printed 1",
        "x z printed 2",
        "x y printed 1",
    ]


def test_values_that_are_equal_but_print_differently_are_kept_apart():
    template = kept("{% kept a %}{{ a }}{% endkept %}")
    values = [1, True, "<b>", SafeString("<b>"), None, ""]
    printed = ["1", "True", "&lt;b&gt;", "<b>", "None", ""]
    for _ in range(2):
        assert [template.render(Context({"a": value})) for value in values] == printed


def test_a_kept_part_is_kept_by_language():
    template = kept('{% kept %}{% translate "Search" %}{% endkept %}')
    for _ in range(2):
        with translation.override("en"):
            assert template.render(Context()) == "Search"
        with translation.override("de"):
            assert template.render(Context()) == "Suchen"


def test_variables_set_in_a_kept_part_stay_inside():
    template = kept('{% kept %}{% translate "Search" as word %}{{ word }}{% endkept %}[{{ word }}]')
    assert [template.render(Context()) for _ in range(2)] == ["Search[]", "Search[]"]


def test_a_missing_value_is_none():
    template = kept("{% kept missing.name %}{{ other }}{% endkept %}")
    assert template.render(Context({"other": 1})) == "1"
    assert template.render(Context({"other": 2, "missing": None})) == "1"


@pytest.mark.parametrize("inside", ["{% block name %}{% endblock %}", "{% csrf_token %}"])
def test_what_belongs_to_one_page_or_visitor_cannot_be_kept(inside):
    with pytest.raises(TemplateSyntaxError):
        kept("{% kept %}{% if 1 %}" + inside + "{% endif %}{% endkept %}")


@pytest.mark.django_db
def test_every_page_marks_its_own_section(client):
    for _ in range(2):
        for name in ("treatment-list", "clinic-list", "how-we-check", "source-list", "about"):
            html = client.get(reverse(name)).content.decode()
            header = html[html.index("<header") : html.index("</header>")]
            marked = f'href="{reverse(name)}" aria-current="page"'
            assert header.count('aria-current="page"') == header.count(marked)
            assert (marked in header) == (name != "about")


# --- Facets


def with_tag(facet: Facet, form_id="search-form") -> str:
    return TAG.render(Context({"facets": [facet], "form_id": form_id}))


def with_template(facet: Facet, form_id="search-form") -> str:
    return PLAIN.render(Context({"facet": facet, "form_id": form_id}))


TAG = Template("{% load facets %}{% facets facets form_id %}{% endfacets %}")
PLAIN = Template(
    '{% include "components/facet.html" with facet=facet form_id=form_id only %}',
)
texts = st.text(st.characters(codec="utf-8"), max_size=8)
options = st.builds(
    Option,
    value=st.from_regex(r"[a-z0-9-]{1,6}", fullmatch=True),
    label=texts,
    count=st.integers(0, 12_345_678),
    is_selected=st.booleans(),
)
facets = st.builds(
    Facet,
    name=st.sampled_from(["treatment", "city"]),
    label=texts,
    options=st.lists(options, max_size=12, unique_by=lambda option: option.value).map(tuple),
    shown_limit=st.integers(1, 8),
    hint=texts,
)


@given(facets)
def test_a_facet_is_what_its_template_prints(facet):
    assert with_tag(facet) == with_template(facet)


def test_a_kept_facet_takes_new_numbers_choices_and_labels():
    options = tuple(Option(f"v{n}", f"Label {n}", n) for n in range(12))
    facet = Facet("city", "Town", options, hint="A hint")
    chosen = (options[0]._replace(is_selected=True), *options[1:])
    fewer = tuple(option._replace(count=option.count // 4) for option in options)
    renamed = tuple(option._replace(label=f"{option.label} & <i>") for option in options)
    for found in (options, chosen, fewer, renamed, options[:3], (), options):
        changed = replace(facet, options=found)
        assert with_tag(changed) == with_template(changed)
    assert with_tag(facet, "filter-form") == with_template(facet, "filter-form")
    assert 'form="filter-form"' in with_tag(facet, "filter-form")
    assert '<div data-option="v5" data-count="5">' in with_tag(facet)
    assert '<div data-option="v0" data-count="0" data-selected>' in with_tag(
        replace(facet, options=chosen)
    )


def test_facets_are_kept_by_language():
    facet = Facet("city", "Town", ())
    for language in ("en", "de", "en"):
        with translation.override(language):
            assert with_tag(facet) == with_template(facet)


def test_other_fields_stand_after_the_facet_that_they_are_named_for():
    named = Template(
        "{% load facets %}{% facets facets 'f' %}{% after 'b' %}[{{ word }}]{% after \"c\" %}!"
        "{% endfacets %}"
    )
    facets = [Facet(name, name, ()) for name in "abc"]
    a, b, c = (with_template(facet, "f") for facet in facets)
    assert named.render(Context({"facets": facets, "word": "<"})) == f"{a}{b}[&lt;]{c}!"
    assert named.render(Context({"facets": facets[:1]})) == a


@pytest.mark.parametrize(
    "written",
    [
        "{% facets facets %}{% endfacets %}",
        "{% facets facets 'f' %}words{% after 'b' %}{% endfacets %}",
        "{% facets facets 'f' %}{% after %}{% endfacets %}",
        "{% facets facets 'f' %}{% after 'b' %}",
    ],
)
def test_facets_with_anything_else_inside_are_refused(written):
    with pytest.raises(TemplateSyntaxError):
        Template("{% load facets %}" + written)
