"""Who may do what, and who gets into the administration."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core.management import call_command
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from accounts import audit
from accounts.addresses import client_address
from accounts.models import AuditEntry, User
from accounts.roles import (
    KNOWLEDGE_ADMINISTRATORS,
    ROLES,
    SUPPORT_STAFF,
    give_role,
    is_knowledge_administrator,
    is_support_staff,
    may_change_assistants,
)

pytestmark = pytest.mark.django_db


def test_every_role_exists_with_all_its_permissions() -> None:
    for role, names in ROLES.items():
        rows = Group.objects.get(name=role).permissions.values_list("content_type__app_label", "codename")
        assert {f"{label}.{codename}" for label, codename in rows} == set(names)


def test_migrating_again_keeps_what_an_administrator_added() -> None:
    group = Group.objects.get(name=SUPPORT_STAFF)
    extra = Group.objects.get(name=KNOWLEDGE_ADMINISTRATORS).permissions.first()
    assert extra is not None
    group.permissions.add(extra)

    call_command("migrate", verbosity=0)

    assert group.permissions.filter(pk=extra.pk).exists()


def test_a_knowledge_administrator_changes_assistants_and_reads_no_transcripts(alice: User) -> None:
    give_role(alice, KNOWLEDGE_ADMINISTRATORS)

    assert is_knowledge_administrator(alice)
    assert may_change_assistants(alice)
    assert not is_support_staff(alice)


def test_support_staff_read_transcripts_only(alice: User) -> None:
    give_role(alice, SUPPORT_STAFF)

    assert is_support_staff(alice)
    assert not is_knowledge_administrator(alice)


def test_guests_and_plain_accounts_have_no_role(alice: User) -> None:
    for person in (alice, AnonymousUser()):
        assert not is_support_staff(person)
        assert not is_knowledge_administrator(person)
        assert not may_change_assistants(person)


def test_only_superusers_enter_the_administration(client: Client, alice: User) -> None:
    alice.is_staff = True
    alice.save()
    assert client.get("/admin/").status_code == 302
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/", follow=True).status_code == 404

    alice.is_superuser = True
    alice.save()

    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/accounts/user/").status_code == 200
    assert client.get("/admin/accounts/auditentry/").status_code == 200


def test_an_audit_entry_names_the_person_and_the_address(alice: User) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR="198.51.100.7")
    request.user = alice

    audit.record(request, "transcript.view", "conversation:1")

    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.verb, entry.address) == (alice, "transcript.view", "198.51.100.7")


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.2.3.4, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "not an address", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_say_where_a_caller_is(
    settings: Settings, remote: str, forwarded: str, expected: str
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]

    request = RequestFactory().get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)

    assert client_address(request) == expected
