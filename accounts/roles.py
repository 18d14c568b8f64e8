"""Roles are Django groups with permissions; here they are named, made and asked about."""

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.utils.translation import gettext_noop

if TYPE_CHECKING:
    from accounts.models import User

KNOWLEDGE_ADMINISTRATORS = gettext_noop("Knowledge administrators")
SUPPORT_STAFF = gettext_noop("Support staff")

ROLES: dict[str, tuple[str, ...]] = {
    KNOWLEDGE_ADMINISTRATORS: (
        *(
            f"knowledge.{verb}_{model}"
            for model in ("collection", "document")
            for verb in ("add", "change", "delete", "view")
        ),
        *(f"chat.{verb}_assistant" for verb in ("add", "change", "delete", "view")),
    ),
    SUPPORT_STAFF: ("chat.view_conversation",),
}


def create_roles(
    sender: AppConfig, using: str = "default", apps: Apps = installed_apps, **kwargs: object
) -> None:
    """Make the groups and give them what they may do; runs after every migrate, changes nothing twice."""
    try:
        group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:  # migrating a part of the site before there are groups
        return
    for label in sorted({name.split(".")[0] for names in ROLES.values() for name in names}):
        create_permissions(installed_apps.get_app_config(label), verbosity=0, using=using, apps=apps)
    for role, names in ROLES.items():
        group, _created = group_model.objects.using(using).get_or_create(name=role)
        for name in names:
            label, codename = name.split(".")
            found = permission_model.objects.using(using).filter(
                content_type__app_label=label, codename=codename
            )
            group.permissions.add(*found)


def _may(person: AbstractBaseUser | AnonymousUser, permission: str) -> bool:
    return isinstance(person, PermissionsMixin) and person.is_authenticated and person.has_perm(permission)


def is_knowledge_administrator(person: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the person may change every collection."""
    return _may(person, "knowledge.change_collection")


def is_support_staff(person: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the person may read other people's conversations."""
    return _may(person, "chat.view_conversation")


def may_change_assistants(person: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the person may change how assistants answer."""
    return _may(person, "chat.change_assistant")


def give_role(user: "User", role: str) -> None:
    """Put a person into a role's group. Raises: KeyError for a role that does not exist."""
    from django.contrib.auth.models import Group

    if role not in ROLES:
        raise KeyError(role)
    user.groups.add(Group.objects.get(name=role))
