"""Choosing a password by a link in a mail. Below /admin/, and open to whoever cannot get in."""

from django.urls import path

from . import views

urlpatterns = [
    path("admin/password/", views.ForgottenPassword.as_view(), name="admin_password_reset"),
    path("admin/password/sent/", views.PasswordMailSent.as_view(), name="password_reset_done"),
    path(
        "admin/password/<uidb64>/<token>/",
        views.NewPassword.as_view(),
        name="password_reset_confirm",
    ),
    path("admin/password/done/", views.NewPasswordSet.as_view(), name="password_reset_complete"),
]
