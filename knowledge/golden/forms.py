"""Forms of golden questions."""

from typing import TYPE_CHECKING, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from knowledge.extract.clean import clean_line
from knowledge.models import Collection, Document, DocumentStatus, Expectation, GoldenQuestion

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    _QuestionForm = forms.ModelForm[GoldenQuestion]
else:
    _QuestionForm = forms.ModelForm

FILE_BYTES = 8 * 1024 * 1024


class GoldenQuestionForm(_QuestionForm):
    """A question, what must come of it, and of which question it is a translation."""

    translation_of: "forms.ModelChoiceField[GoldenQuestion]" = forms.ModelChoiceField(
        queryset=GoldenQuestion.objects.none(),
        required=False,
        label=_("Translation of"),
        empty_label=_("none"),
    )

    _HINTS: ClassVar[dict[str, "StrOrPromise"]] = {
        "quote": _("Leave empty if any passage of the document will do."),
        "previous": _("Only for a follow-up: what was asked just before."),
        "translation_of": _("Translations of one question are compared on the language board."),
    }

    class Meta:
        """All that a person chooses."""

        model = GoldenQuestion
        fields: ClassVar[list[str]] = ["text", "previous", "expectation", "document", "quote", "is_active"]
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "text": forms.Textarea(attrs={"class": "input", "rows": 2, "dir": "auto"}),
            "previous": forms.TextInput(attrs={"class": "input", "dir": "auto"}),
            "expectation": forms.RadioSelect(),
            "document": forms.Select(attrs={"class": "input", "dir": "auto"}),
            "quote": forms.TextInput(attrs={"class": "input", "dir": "auto"}),
            "is_active": forms.CheckboxInput(attrs={"class": "check"}),
        }

    def __init__(self, *args: object, collection: Collection, **kwargs: object) -> None:
        """Offer the collection's documents and its other questions."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        documents = Document.objects.filter(collection=collection).exclude(status=DocumentStatus.DELETING)
        self.fields["document"].queryset = documents.order_by("title", "name")  # type: ignore[attr-defined]
        self.fields["document"].empty_label = _("Choose a document")  # type: ignore[attr-defined]
        self.fields["expectation"].choices = Expectation.choices  # type: ignore[attr-defined]
        others = collection.golden_questions.exclude(pk=self.instance.pk).order_by("text")
        for name, hint in self._HINTS.items():
            self.fields[name].help_text = hint
        field = self.fields["translation_of"]
        field.queryset = others  # type: ignore[attr-defined]
        field.widget.attrs.update({"class": "input", "dir": "auto"})
        if self.instance.pk:
            self.initial["translation_of"] = others.filter(meaning=self.instance.meaning).first()

    def clean_text(self) -> str:
        """Ask for a question that can be seen."""
        text = clean_line(self.cleaned_data["text"])
        if not text:
            raise forms.ValidationError(_("Write a question."))
        return text

    def clean(self) -> dict[str, object]:
        """Ask for the document where one must be found."""
        cleaned = super().clean() or {}
        if cleaned.get("expectation") == Expectation.FIND and not cleaned.get("document"):
            self.add_error("document", _("Choose the document that must be found."))
        return cleaned


class GoldenFileForm(forms.Form):
    """A file of golden questions."""

    file = forms.FileField(label=_("JSON Lines file"))

    def clean_file(self) -> str:
        """Read the file as text."""
        file = self.cleaned_data["file"]
        if file.size > FILE_BYTES:
            raise forms.ValidationError(_("This file is too large: 8 MB at most."))
        try:
            text: str = file.read().decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            raise forms.ValidationError(_("This is not UTF-8 text; JSON Lines are expected.")) from exc
        return text
