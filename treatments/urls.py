from django.urls import path

from . import advice_views, comparison_views, question_views, views

urlpatterns = [
    path("treatments/", views.treatment_list, name="treatment-list"),
    path("treatments/<slug:slug>/", views.treatment_detail, name="treatment"),
    path("treatments/<slug:slug>/ask/", question_views.ask, name="ask-question"),
    path("treatments/<slug:slug>/asked/", question_views.question_sent, name="question-sent"),
    path(
        "treatments/<slug:slug>/questions/",
        question_views.readers_questions,
        name="readers-questions",
    ),
    path("treatments/<slug:slug>/is-it-for-me/", advice_views.is_it_for_me, name="is-it-for-me"),
    path(
        "treatments/<slug:slug>/evidence.csv",
        advice_views.treatment_evidence,
        name="treatment-evidence",
    ),
    path("compare/", comparison_views.treatment_compare, name="treatment-compare"),
    path("after-treatment/", advice_views.red_flags, name="red-flags"),
    path("before-you-book/", advice_views.before_you_book, name="before-you-book"),
    path("mesotherapy/", views.mesotherapy, name="mesotherapy"),
    path("sources/", views.source_list, name="source-list"),
    path("sources/<slug:slug>/", views.source_detail, name="source"),
]
