from django.urls import path

from . import claim_views, correction_views, cost_views, enquiry_views, views

urlpatterns = [
    path("", views.home, name="home"),
    path("clinics/", views.clinic_list, name="clinic-list"),
    path("clinics/<slug:slug>/", views.clinic_detail, name="clinic"),
    path("treatments/<slug:slug>/cost/", cost_views.treatment_cost, name="treatment-cost"),
    path("clinics/<slug:slug>/claim/", claim_views.claim, name="claim"),
    path("clinics/<slug:slug>/claim/sent/", claim_views.claim_sent, name="claim-sent"),
    path("clinics/<slug:slug>/people/", claim_views.people, name="clinic-people"),
    path(
        "clinics/<slug:slug>/people/revoke/",
        claim_views.revoke_invitation,
        name="invitation-revoke",
    ),
    path("clinics/<slug:slug>/people/remove/", claim_views.remove_member, name="member-remove"),
    path("clinics/<slug:slug>/wrong/", correction_views.correction, name="correction"),
    path(
        "clinics/<slug:slug>/wrong/sent/",
        correction_views.correction_sent,
        name="correction-sent",
    ),
    path("your-claim/<str:token>/", claim_views.claim_confirm, name="claim-confirm"),
    path("your-invitation/<str:token>/", claim_views.invitation, name="invitation"),
    path("clinics/<slug:slug>/ask/", enquiry_views.ask, name="enquiry-ask"),
    path("clinics/<slug:slug>/ask/send/", enquiry_views.take, name="enquiry-send"),
    path("your-request/<str:secret>/", enquiry_views.enquiry, name="enquiry"),
    path("your-request/<str:secret>/delete/", enquiry_views.delete, name="enquiry-delete"),
    path("request-deleted/", enquiry_views.deleted, name="enquiry-deleted"),
    # Not below clinics/, where it would hide a clinic of that name.
    path("suggest/", views.suggest, name="suggest"),
    path("how-we-rank/", views.how_we_rank, name="how-we-rank"),
    path("robots.txt", views.robots, name="robots"),
    *(path(f"{name}/", views.text_page, {"name": name}, name=name) for name in views.TEXT_PAGES),
]
