"""Requests that are too large are refused before any of them is read or written to the disk."""

from http import HTTPStatus

from django.conf import settings
from django.shortcuts import render

MEGABYTE = 1024 * 1024


class RequestSizeMiddleware:
    """Answers 413 to a request that says it is larger than its page takes.

    Whatever server is in front. Stands before the check of forms (CSRF), which reads them whole.
    A body without a length is read by nobody: Django takes it for an empty one.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, arguments, named):
        """The refusal, or None. Asks the database who it is for an unusual size only."""
        length = told_length(request)
        if length <= settings.LARGEST_REQUEST:
            return None
        largest = largest_of(request)
        if length <= largest:
            return None
        context = {"megabytes": largest // MEGABYTE}
        return render(
            request, "413.html", context, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE.value
        )


def told_length(request) -> int:
    """How many bytes the request says it has, read as Django reads it; 0 for nonsense."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def largest_of(request) -> int:
    """How many bytes may be sent to this page: more than usual by staff, and only to some."""
    if not request.user.is_staff:
        return settings.LARGEST_REQUEST
    name = request.resolver_match.view_name
    return settings.LARGEST_REQUEST_OF.get(name, settings.LARGEST_REQUEST)
