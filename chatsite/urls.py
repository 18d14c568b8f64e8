"""Which room answers which address."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from accounts.admin_site import site as admin_site
from chat.urls_staff import assistant_urls, model_urls, review_urls
from chatsite import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("accounts/", include("accounts.urls")),
    path("knowledge/", include("knowledge.urls")),
    path("assistants/", include(assistant_urls)),
    path("review/", include(review_urls)),
    path("models/", include(model_urls)),
    path("", include("chat.urls")),
]
if settings.ADMIN_URL:
    urlpatterns.append(path(settings.ADMIN_URL, admin_site.urls))
