"""The moderation desk in the admin: one page with all that waits, and the way from one to the next.

What was opened from the desk is kept in the session, so that the way to the next one outlives the
saving of a form. Whoever has no queue finds no desk.
"""

import datetime
from functools import wraps

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from .desk import desk_of, queues_for

ENTRIES_PER_PAGE = 25
# What a database takes for a primary key.
LARGEST_KEY = 2**63 - 1
# The session's note of where somebody is on the desk.
AT_THE_DESK = "desk"


def for_those_who_decide(view):
    """The page inside the admin, for whoever has a queue."""

    @wraps(view)
    def inner(request, *args, **kwargs):
        if not queues_for(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return admin.site.admin_view(never_cache(inner))


class Waiting:
    """What waits, as a list that a paginator may cut pages from without reading all of it."""

    def __init__(self, desk, total):
        self.desk, self.total = desk, total

    def __len__(self):
        return self.total

    def __getitem__(self, part):
        return self.desk.entries(part.start, part.stop)


def page_address(kind: str, number: int = 1) -> str:
    """The address of the desk, with a kind and a page if they are not the usual ones."""
    query = [f"kind={kind}"] if kind else []
    query += [f"page={number}"] if number > 1 else []
    return reverse("desk") + ("?" + "&".join(query) if query else "")


@require_safe
@for_those_who_decide
def desk_page(request):
    """All that waits, or one kind of it, the oldest first."""
    whole = desk_of(request.user)
    counts = whole.counts()
    kind = request.GET.get("kind", "")
    kind = kind if kind in {queue.kind for queue in whole.queues} else ""
    total = sum(count for queue, count in counts if kind in ("", queue.kind))
    waiting = Waiting(desk_of(request.user, kind), total)
    page = Paginator(waiting, ENTRIES_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        **admin.site.each_context(request),
        "title": _("Moderation desk"),
        "kind": kind,
        "kinds": [
            {"queue": queue, "count": count, "url": page_address(queue.kind)}
            for queue, count in counts
        ],
        "all_count": sum(count for _queue, count in counts),
        "all_url": page_address(""),
        "page": page,
        "entries": page.object_list,
    }
    if page.has_previous():
        context["previous_url"] = page_address(kind, page.previous_page_number())
    if page.has_next():
        context["next_url"] = page_address(kind, page.next_page_number())
    return TemplateResponse(request, "admin/desk.html", context)


def go_to(request, entry, kind):
    """Open an entry and remember where on the desk it stood."""
    request.session[AT_THE_DESK] = {
        "kind": kind,
        "at": [entry.since.isoformat(), entry.queue.kind, entry.key],
    }
    return HttpResponseRedirect(entry.url)


@require_safe
@for_those_who_decide
def desk_entry(request, kind, key):
    """Open one entry; `in` says whether the whole desk is gone through or one kind of it."""
    queue = next((queue for queue in queues_for(request.user) if queue.kind == kind), None)
    if queue is None or key > LARGEST_KEY:
        raise Http404
    entry = queue.entries(desk_of(request.user).today, [key]).get(key)
    if entry is None:
        messages.info(request, _("Somebody has dealt with that one already."))
        return HttpResponseRedirect(page_address(request.GET.get("in", "") and kind))
    return go_to(request, entry, request.GET.get("in", "") and kind)


@require_safe
@for_those_who_decide
def desk_next(request):
    """Go on to the entry after the one that was opened last."""
    place = request.session.get(AT_THE_DESK)
    if not place:
        return HttpResponseRedirect(page_address(""))
    desk = desk_of(request.user, place["kind"])
    since, kind, key = place["at"]
    entry = desk.after(datetime.datetime.fromisoformat(since), kind, key)
    if entry is not None:
        return go_to(request, entry, place["kind"])
    request.session.pop(AT_THE_DESK)
    left = sum(count for _queue, count in desk.counts())
    told = ngettext(
        "That was the last one. You left %(count)d for later.",
        "That was the last one. You left %(count)d for later.",
        left,
    ) % {"count": left}
    messages.success(request, told if left else _("That was the last one. Nothing waits now."))
    return HttpResponseRedirect(page_address(place["kind"]))


@require_POST
@for_those_who_decide
def desk_leave(request):
    """Put the bar with the way to the next one away."""
    request.session.pop(AT_THE_DESK, None)
    return HttpResponseRedirect(page_address(""))
