"""Forms of the knowledge pages."""

from typing import TYPE_CHECKING, ClassVar

from django import forms
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from knowledge.models import Collection, Visibility

if TYPE_CHECKING:
    _CollectionForm = forms.ModelForm[Collection]
else:
    _CollectionForm = forms.ModelForm


class ManyFilesInput(forms.FileInput):
    """A file input that takes several."""

    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """The files of one upload, in order; a single one comes as a list too."""

    widget = ManyFilesInput

    def clean(self, data: object, initial: object = None) -> "list[UploadedFile[bytes]]":
        """Check each file's name; what is in it is the verb's business."""
        files = data if isinstance(data, list | tuple) else [data]
        return [super(ManyFilesField, self).clean(file, initial) for file in files]


class UploadForm(forms.Form):
    """Files, and the collection they go to."""

    collection: "forms.ModelChoiceField[Collection]" = forms.ModelChoiceField(
        queryset=Collection.objects.none(), to_field_name="slug", label=_("Collection"), empty_label=None
    )
    files = ManyFilesField(label=_("Files"), allow_empty_file=True, max_length=None)  # type: ignore[assignment]

    def __init__(self, *args: object, collections: QuerySet[Collection], **kwargs: object) -> None:
        """Offer the collections the person may manage."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["collection"].queryset = collections  # type: ignore[attr-defined]


class CollectionForm(_CollectionForm):
    """Name, description, and who may read and change a collection."""

    class Meta:
        """All that a person chooses."""

        model = Collection
        fields: ClassVar[list[str]] = ["name", "description", "visibility", "readers", "managers"]
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "name": forms.TextInput(attrs={"class": "input", "dir": "auto"}),
            "description": forms.Textarea(attrs={"class": "input", "rows": 3, "dir": "auto"}),
            "visibility": forms.RadioSelect(attrs={"class": "radio"}),
            "readers": forms.CheckboxSelectMultiple(attrs={"class": "check"}),
            "managers": forms.CheckboxSelectMultiple(attrs={"class": "check"}),
        }

    def __init__(self, *args: object, may_share_management: bool, **kwargs: object) -> None:
        """Let only who may create collections say who else manages this one."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for name in ("readers", "managers"):
            self.fields[name].queryset = Group.objects.order_by("name")  # type: ignore[attr-defined]
        self.fields["visibility"].choices = Visibility.choices  # type: ignore[attr-defined]
        if not may_share_management:
            del self.fields["managers"]

    def clean(self) -> dict[str, object]:
        """Ask for a group where groups decide."""
        cleaned = super().clean() or {}
        if cleaned.get("visibility") == Visibility.GROUPS and not cleaned.get("readers"):
            self.add_error("readers", _("Choose at least one group that may read this collection."))
        return cleaned
