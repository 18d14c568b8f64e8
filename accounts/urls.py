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
urlpatterns = [path("", include(own)), path("", include("allauth.account.urls"))]
