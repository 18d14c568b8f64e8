"""The form of a source. What a person types is checked by the same guard that reads it later."""

from typing import TYPE_CHECKING, ClassVar

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from knowledge.models import Collection, Source, SourceKind
from knowledge.sources import crawl, folder
from knowledge.sources.errors import SourceError
from knowledge.sources.visiting import check_leads_somewhere

if TYPE_CHECKING:
    _SourceForm = forms.ModelForm[Source]
else:
    _SourceForm = forms.ModelForm

DEEPEST = 10
MOST_PAGES = 10_000
REFRESH = [
    (0, _("Only when somebody asks for it")),
    (1, _("Every hour")),
    (6, _("Every six hours")),
    (24, _("Every day")),
    (168, _("Every week")),
]


class SourceForm(_SourceForm):
    """What to follow, how far, and how often. Kind and address are chosen once."""

    refresh_hours = forms.TypedChoiceField(label=_("Look again"), choices=REFRESH, coerce=int, initial=24)

    class Meta:
        """All that a person chooses."""

        model = Source
        fields: ClassVar[list[str]] = ["kind", "address", "depth", "page_limit", "refresh_hours"]
        labels: ClassVar[dict[str, object]] = {
            "address": _("Address"),
            "depth": _("How many links deep"),
            "page_limit": _("Pages or files at most"),
        }
        help_texts: ClassVar[dict[str, object]] = {
            "depth": _("Of a web site: 0 reads the first page alone, 1 also what it leads to, and so on."),
        }
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "kind": forms.RadioSelect(attrs={"class": "radio"}),
            "address": forms.TextInput(attrs={"class": "input", "dir": "ltr", "spellcheck": "false"}),
        }

    def __init__(self, *args: object, collection: Collection, **kwargs: object) -> None:
        """Offer folders only where the operator allows some."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.instance.collection = collection
        for name, least, most in (("depth", 0, DEEPEST), ("page_limit", 1, MOST_PAGES)):
            self.fields[name].validators += [MinValueValidator(least), MaxValueValidator(most)]
            self.fields[name].widget.attrs |= {"min": least, "max": most}
        if self.instance.pk:
            del self.fields["kind"], self.fields["address"]
            if self.instance.kind != SourceKind.SITE:
                del self.fields["depth"]
            if self.instance.kind == SourceKind.PAGE:
                del self.fields["page_limit"]
            return
        self.roots = [str(root) for root in folder.allowed_folders()]
        kinds = [kind for kind in SourceKind if kind != SourceKind.FOLDER or self.roots]
        self.fields["kind"].choices = [(kind.value, kind.label) for kind in kinds]  # type: ignore[attr-defined]
        self.fields["kind"].initial = SourceKind.SITE

    def clean(self) -> dict[str, object]:
        """Bring the address into its one form, and refuse what could not be read."""
        cleaned = super().clean() or {}
        kind, address = cleaned.get("kind"), cleaned.get("address")
        if not kind or not isinstance(address, str):
            return cleaned
        try:
            cleaned["address"] = self._checked(str(kind), address.strip())
        except SourceError as error:
            self.add_error("address", error.user_message)
            return cleaned
        if Source.objects.filter(collection=self.instance.collection, address=cleaned["address"]).exists():
            self.add_error("address", _("This collection follows that address already."))
        return cleaned

    def _checked(self, kind: str, address: str) -> str:
        if kind == SourceKind.FOLDER:
            return str(folder.folder_of(address))
        if "://" not in address and address:
            address = f"https://{address}"
        first = crawl.first_page(Source(address=address))
        check_leads_somewhere(first)
        return str(first)
