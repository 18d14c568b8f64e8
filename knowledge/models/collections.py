"""Collections: documents that belong together and share their readers."""

from typing import ClassVar

from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _


class Visibility(models.TextChoices):
    """Who may read a collection, and so get answers from it."""

    EVERYONE = "everyone", _("Everyone, also guests")
    SIGNED_IN = "signed_in", _("Signed-in people")
    GROUPS = "groups", _("The groups chosen below")


def index_name(collection_id: int, generation: int) -> str:
    """Name the vector store of one generation of a collection."""
    return f"collection-{collection_id}" + (f"-{generation}" if generation else "")


class Collection(models.Model):
    """Documents that belong together and share their readers.

    release: what its readers get answers from; None: every ready document answers at once. generation: of
    its vectors' store. embedder, tokeniser: what its vectors and words were made with; empty: nothing yet.
    """

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    visibility = models.CharField(
        _("who may read it"), max_length=12, choices=Visibility.choices, default=Visibility.SIGNED_IN
    )
    readers = models.ManyToManyField(
        Group, blank=True, related_name="readable_collections", verbose_name=_("groups that may read it")
    )
    managers = models.ManyToManyField(
        Group,
        blank=True,
        related_name="managed_collections",
        verbose_name=_("groups that may change it"),
        help_text=_("Besides knowledge administrators, who may change every collection."),
    )
    release = models.ForeignKey(
        "knowledge.Release", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    generation = models.PositiveIntegerField(default=0)
    embedder = models.CharField(max_length=120, blank=True)
    tokeniser = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """In the order people look for them."""

        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        """Show the name."""
        return self.name

    @property
    def index_name(self) -> str:
        """Name of its collection in the vector store; another one each time its vectors are made anew."""
        return index_name(self.pk, self.generation)
