"""Django's administration for superusers; they sign in at the same door as everybody."""

from django.contrib.admin import AdminSite, site
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

__all__ = [
    "SuperuserSite",
    "site",
]  # `site` is Django's default one, made of this class by apps.SiteAdminConfig


class SuperuserSite(AdminSite):
    """Being "staff" is not enough here."""

    site_header = _("Administration")
    site_title = _("Administration")
    index_title = _("Everything in the database")

    def has_permission(self, request: HttpRequest) -> bool:
        """Say whether the person may enter."""
        return request.user.is_active and request.user.is_superuser

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """Send a guest to the site's own sign-in; for anybody else there is nothing here."""
        if isinstance(request.user, AnonymousUser):
            return redirect_to_login(str(request.GET.get("next") or request.get_full_path()))
        raise Http404
