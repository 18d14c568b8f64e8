"""What an administrator asks two models."""

from collections.abc import Sequence

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chat.model_desk.contenders import Contender
from knowledge.access import readable_collections
from knowledge.models import Collection


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
