"""Addresses under /accounts/: ours first, then django-allauth's."""

from django.urls import include, path

from accounts import views

own = (
    [
        path("settings/", views.preferences, name="settings"),
        path("language/", views.choose_language, name="language"),
        path("theme/", views.choose_theme, name="theme"),
    ],
    "accounts",
)
# What django-allauth would show without a page of ours: no address is confirmed or managed here.
unused = [path("email/", views.not_here), path("confirm-email/", views.not_here)]
urlpatterns = [path("", include(own)), *unused, path("", include("allauth.account.urls"))]
