"""Where readers ask about a treatment, and where the answers stand."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from . import structured_data
from .models import ReadersQuestion, Treatment
from .models.question import DECLINED_DAYS, WAITING_DAYS
from .question_form import QuestionForm
from .sealed_form import is_from_our_page
from .sending_limit import may_send

QUESTIONS_AN_HOUR = 5
# More than editors can read in weeks. A flood must not bury the questions of people.
MOST_WAITING = 500
ANSWERS_A_PAGE = 20
TOO_MANY_REQUESTS, FORBIDDEN = 429, 403


@never_cache
@csrf_exempt  # The form has a seal of its own and no cookie: see ADR 0008.
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request, slug) -> HttpResponse:
    """The form for a question. One query to show it; to store one, six and no mail."""
    treatment = get_object_or_404(Treatment.objects.published(), slug=slug)
    status = 200
    if request.method != "POST":
        form = QuestionForm(treatment)
    else:
        comes_from_us = is_from_our_page(request)
        form = QuestionForm(treatment, request.POST, comes_from_us=comes_from_us)
        if form.is_valid():
            status, problem = _store(request, form)
            if not problem:
                return redirect("question-sent", slug=slug)
            form.add_error(None, problem)
        elif not comes_from_us:
            status = FORBIDDEN
    context = {
        "treatment": treatment,
        "form": form,
        "most_letters": ReadersQuestion.MOST_LETTERS,
        "waiting_days": WAITING_DAYS,
        "declined_days": DECLINED_DAYS,
    }
    return render(request, "treatments/ask.html", context, status=status)


def _store(request, form: QuestionForm) -> tuple[int, str]:
    """Store a valid question once; return a status and, when it was refused, why."""
    questions = ReadersQuestion.objects
    if questions.filter(sending=form.sending).exists():
        return 200, ""
    if not may_send(request, "question", QUESTIONS_AN_HOUR):
        return TOO_MANY_REQUESTS, _(
            "Several questions have come from your connection within the hour. Please wait an "
            "hour and send this one again."
        )
    if questions.waiting().count() >= MOST_WAITING:
        return TOO_MANY_REQUESTS, _(
            "So many questions are waiting that we cannot take more today. Please come back in a "
            "few days."
        )
    questions.get_or_create(
        sending=form.sending,
        defaults={
            "treatment": form.treatment,
            "text_as_asked": form.cleaned_data["text"],
            "name_shown": form.cleaned_data["name"],
        },
    )
    return 200, ""


@require_safe
def question_sent(request, slug):
    """What happens now with a question that was sent. One query."""
    treatment = get_object_or_404(Treatment.objects.published(), slug=slug)
    context = {"treatment": treatment, "waiting_days": WAITING_DAYS, "declined_days": DECLINED_DAYS}
    return render(request, "treatments/question_sent.html", context)


@require_safe
def readers_questions(request, slug):
    """All answered questions on one treatment, the latest answer first. Four queries.

    `?page=2` is one page of them, `?question=12` the page on which that question stands, which
    costs a query more.
    """
    treatment = get_object_or_404(Treatment.objects.published(), slug=slug)
    answered = treatment.readers_questions.published().prefetch_related("sources")
    number = _page_of(answered, request.GET.get("question", "")) or request.GET.get("page")
    page = Paginator(answered, ANSWERS_A_PAGE).get_page(number)
    path = reverse("readers-questions", args=[slug])
    address = f"{path}?page={page.number}" if page.number > 1 else path
    return render(
        request,
        "treatments/readers_questions.html",
        {
            "treatment": treatment,
            "page": page,
            "canonical": request.build_absolute_uri(address),
            "structured_data": structured_data.answered_questions(page.object_list),
        },
    )


def _page_of(answered, key: str) -> int | None:
    """The page on which the question with this primary key stands; None when it does not."""
    if not key.isdecimal():
        return None
    keys = [str(pk) for pk in answered.values_list("pk", flat=True)]
    return keys.index(key) // ANSWERS_A_PAGE + 1 if key in keys else None
