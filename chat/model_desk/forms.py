"""What an administrator asks two models."""

import json
import re
from collections.abc import Sequence

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chat.model_desk.contenders import Contender
from inference.types import Guidance, GuidanceKind
from knowledge.access import readable_collections
from knowledge.models import Collection

MAX_PATTERN_CHARS = 4000


class DuelForm(forms.Form):
    """One question, two who answer it, and the documents they may answer from."""

    question = forms.CharField(label=_("Question"), max_length=settings.MAX_QUESTION_CHARS)
    left = forms.ChoiceField(label=_("First"))
    right = forms.ChoiceField(label=_("Second"))
    collection = forms.ModelChoiceField(
        Collection.objects.none(),
        label=_("Answer from"),
        required=False,
        to_field_name="slug",
        empty_label=_("No documents: the bare question"),
    )
    shape = forms.ChoiceField(
        label=_("Shape of the answer"),
        required=False,
        choices=[
            ("", _("Any")),
            (GuidanceKind.JSON_SCHEMA.value, _("As this JSON schema says")),
            (GuidanceKind.REGEX.value, _("As this pattern says")),
        ],
    )
    pattern = forms.CharField(
        label=_("JSON schema or pattern"),
        required=False,
        max_length=MAX_PATTERN_CHARS,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "ltr", "spellcheck": "false"}),
    )
    picture = forms.FileField(
        label=_("Picture"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/gif"}),
    )

    def __init__(self, *args: object, user: User, choices: Sequence[Contender], **kwargs: object) -> None:
        """Offer those who can answer, two different ones first."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        offered = [(one.value, one.label) for one in choices]
        for name, at in (("left", 0), ("right", 1)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = offered
            field.initial = offered[min(at, len(offered) - 1)][0] if offered else None
        collections = self.fields["collection"]
        assert isinstance(collections, forms.ModelChoiceField)
        collections.queryset = readable_collections(user)

    @property
    def guidance(self) -> Guidance | None:
        """The shape the answers must have, once the form is valid."""
        kind = self.cleaned_data["shape"]
        return Guidance(GuidanceKind(kind), self.cleaned_data["pattern"]) if kind else None

    def clean(self) -> dict[str, object]:
        """Refuse a shape that is none before an engine has to."""
        cleaned: dict[str, object] = super().clean() or self.cleaned_data
        kind, pattern = cleaned.get("shape"), str(cleaned.get("pattern") or "")
        if kind == GuidanceKind.JSON_SCHEMA and not _is_object(pattern):
            raise forms.ValidationError(_("The JSON schema is no JSON object."))
        if kind == GuidanceKind.REGEX and not _is_pattern(pattern):
            raise forms.ValidationError(_("The pattern is no regular expression."))
        return cleaned


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return False
    return bool(text.strip())
