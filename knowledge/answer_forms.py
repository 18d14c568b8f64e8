"""The form of an approved answer."""

from typing import TYPE_CHECKING, ClassVar, Final

from django import forms
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from knowledge import approved
from knowledge.models import ApprovedAnswer, Document
from knowledge.same_question import fold

if TYPE_CHECKING:
    _ApprovedAnswerForm = forms.ModelForm[ApprovedAnswer]
else:
    _ApprovedAnswerForm = forms.ModelForm

MAX_WORDINGS: Final = 30
MAX_QUESTION: Final = 500
SUGGESTED: Final = 20


def documents_named(documents: QuerySet[Document], words: str) -> QuerySet[Document]:
    """Find documents by a part of their title or file name, newest first."""
    return documents.filter(Q(title__icontains=words) | Q(name__icontains=words))[:SUGGESTED]


class ApprovedAnswerForm(_ApprovedAnswerForm):
    """Question, other wordings one a line, answer, the document to name, language."""

    wordings = forms.CharField(
        label=_("Other ways to ask it"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        help_text=_("One a line. Small words, politeness and plural do not matter; every other word does."),
    )
    document = forms.CharField(
        label=_("Document to name"),
        required=False,
        max_length=255,
        widget=forms.TextInput(attrs={"list": "documents", "dir": "auto", "autocomplete": "off"}),
        help_text=_("Its title or file name. It is cited under the answer to people who may read it."),
    )
    language = forms.ChoiceField(label=_("Language"), required=False)

    class Meta:
        """All that a person writes."""

        model = ApprovedAnswer
        fields: ClassVar[list[str]] = ["question", "text", "language"]
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "question": forms.TextInput(attrs={"dir": "auto"}),
            "text": forms.Textarea(attrs={"rows": 8, "dir": "auto"}),
        }
        help_texts: ClassVar[dict[str, object]] = {
            "text": _("Given word for word. Markdown: **bold**, lists, links.")
        }

    def __init__(self, *args: object, documents: QuerySet[Document], **kwargs: object) -> None:
        """documents: those of the collection."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._documents = documents
        languages = self.fields["language"]
        languages.choices = [("", _("Any")), *settings.LANGUAGES]  # type: ignore[attr-defined]
        if self.instance.pk:
            self.initial["wordings"] = "\n".join(self.instance.wordings)
            self.initial["document"] = str(self.instance.document or "")

    def clean_wordings(self) -> list[str]:
        """Take the lines apart, each once."""
        lines = (" ".join(line.split()) for line in self.cleaned_data["wordings"].splitlines())
        wordings = list(dict.fromkeys(line for line in lines if line))
        if len(wordings) > MAX_WORDINGS:
            message = ngettext("At most %(n)s wording.", "At most %(n)s wordings.", MAX_WORDINGS)
            raise forms.ValidationError(message % {"n": MAX_WORDINGS})
        if not all(map(fold, wordings)):
            raise forms.ValidationError(_("Write each line in words."))
        if any(len(line) > MAX_QUESTION for line in wordings):
            raise forms.ValidationError(_("A question may have up to 500 characters."))
        return wordings

    def clean_question(self) -> str:
        """Refuse marks and letters nobody sees: they would answer every question that says nothing."""
        question = str(self.cleaned_data["question"])
        if not fold(question):
            raise forms.ValidationError(_("Write the question in words."))
        return question

    def clean_text(self) -> str:
        """Keep line ends as the rest of the site has them; refuse a text that shows nothing."""
        text = str(self.cleaned_data["text"]).replace("\r\n", "\n").strip()
        if not fold(text):
            raise forms.ValidationError(_("Write the answer in words."))
        return text

    def clean_document(self) -> Document | None:
        """Find the document by its whole title or file name; of several the newest."""
        name = self.cleaned_data["document"].strip()
        if not name:
            return None
        standing = self.instance.document
        if standing and name == str(standing):
            return standing
        found = self._documents.filter(Q(title=name) | Q(name=name)).first()
        if found is None:
            raise forms.ValidationError(_("This collection has no document of this name."))
        return found

    def clean(self) -> dict[str, object]:
        """Refuse a question that another active entry of the collection answers."""
        cleaned = super().clean() or {}
        for name in ("question", "wordings"):
            said = cleaned.get(name) or ()
            for one in (said,) if isinstance(said, str) else said:
                if other := self._other_that_answers(str(one)):
                    message = _("“%(asked)s” is answered already by the entry “%(other)s”.")
                    self.add_error(name, message % {"asked": one, "other": other})
                    break
        return cleaned

    def _other_that_answers(self, question: str) -> ApprovedAnswer | None:
        others = ApprovedAnswer.objects.filter(collection=self.instance.collection_id, is_active=True)
        language = self.cleaned_data.get("language", "")
        found = others.filter(language=language).exclude(pk=self.instance.pk).defer("text")
        return next((entry for entry in found if approved.answers(entry, question)), None)

    def apply(self) -> ApprovedAnswer:
        """Give the entry what was written, also where some of it cannot be saved; saves nothing."""
        entry, cleaned = self.instance, self.cleaned_data
        entry.question = cleaned.get("question") or ""
        entry.text = cleaned.get("text") or ""
        entry.language = cleaned.get("language") or ""
        entry.wordings = cleaned.get("wordings") or []
        entry.document = cleaned.get("document") or None
        return entry
