"""Forms of the room: how an assistant answers, and how transcripts are searched."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chat.models import Assistant
from knowledge import access

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# Kept per language code on the model; in the form one field each: "greeting_he".
TEXTS: "dict[str, tuple[StrOrPromise, StrOrPromise, int]]" = {
    "greeting": (_("Greeting"), _("The first line of an empty chat."), 1),
    "description": (_("What it answers from"), _("One or two sentences below the greeting."), 2),
    "placeholder": (_("Words in the empty box"), "", 1),
    "refusal": (_("Refusal sentence"), _("Said when the documents do not hold the answer."), 2),
}
MAX_STARTERS = 8
MAX_TEXT_CHARS = 500
RESERVED_SLUGS = frozenset({"attachments"})  # /chat/attachments/ is where pictures are uploaded


def read_starters(text: str) -> list[dict[str, str]]:
    """Read one starter a line, "text | hint"; empty lines do not count."""
    rows = (line.partition("|") for line in text.splitlines() if line.strip())
    return [{"text": text.strip(), "hint": hint.strip()} for text, _bar, hint in rows if text.strip()]


def write_starters(starters: Iterable[dict[str, str]]) -> str:
    """Write starters as they are read."""
    lines = ((row.get("text", ""), row.get("hint", "")) for row in starters)
    return "\n".join(f"{text} | {hint}" if hint else text for text, hint in lines)


class AssistantForm(forms.ModelForm):  # type: ignore[type-arg]
    """Everything about an assistant; its texts once for each language of the site."""

    class Meta:
        """The plain fields; the texts per language are added in `__init__`."""

        model = Assistant
        fields: ClassVar[list[str]] = [
            "name", "slug", "language", "engine", "is_public", "collections", "instructions",
        ]  # fmt: skip
        error_messages: ClassVar[dict[str, object]] = {
            "slug": {"unique": _("Another assistant has this address.")},
        }
        widgets: ClassVar[dict[str, forms.Widget]] = {
            "instructions": forms.Textarea(attrs={"rows": 5, "dir": "auto", "maxlength": 4000}),
            "collections": forms.CheckboxSelectMultiple(attrs={"class": "check"}),
        }

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        """Offer what this person may choose from."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        languages = [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES]
        self.fields["language"] = forms.ChoiceField(
            label=_("Answers in"),
            required=False,
            choices=[("", _("The language of the question")), *languages],
        )
        self.fields["engine"] = forms.ChoiceField(
            label=_("Model"), required=False, choices=[("", _("As the site is set up")), *self._engines()]
        )
        self.fields["slug"].label = _("Address")
        self.fields["slug"].error_messages["invalid"] = _("Use letters, digits, dashes and underscores only.")
        self.fields["slug"].help_text = _("The last part of its address: letters, digits and dashes.")
        self.fields["is_public"].label = _("Public: guests may ask it, too")
        self._offer_collections(user)
        for code, _name in languages:
            self._add_texts(code)

    def _engines(self) -> list[tuple[str, str]]:
        from inference.conf import available_engines

        engines = list(available_engines())
        kept = self.instance.engine
        if kept and kept not in dict(engines):
            engines.append((kept, _("%(engine)s (not available)") % {"engine": kept}))
        return engines

    def _offer_collections(self, user: User) -> None:
        """Offer what the person may read; collections chosen by others that they may not read stay."""
        readable = access.readable_collections(user)
        field = self.fields["collections"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = readable
        field.required = False
        self._unseen = (
            list(self.instance.collections.exclude(pk__in=readable.values("pk"))) if self.instance.pk else []
        )

    def _add_texts(self, code: str) -> None:
        direction = "rtl" if get_language_info(code)["bidi"] else "ltr"
        for name, (label, help_text, rows) in TEXTS.items():
            self.fields[f"{name}_{code}"] = forms.CharField(
                label=label,
                help_text=help_text,
                required=False,
                max_length=MAX_TEXT_CHARS,
                initial=(getattr(self.instance, name) or {}).get(code, ""),
                widget=forms.Textarea(attrs={"rows": rows, "dir": direction, "lang": code}),
            )
        self.fields[f"starters_{code}"] = forms.CharField(
            label=_("Starters"),
            help_text=_("One a line: question | hint. At most eight."),
            required=False,
            max_length=MAX_TEXT_CHARS * 4,
            initial=write_starters((self.instance.starters or {}).get(code, [])),
            widget=forms.Textarea(attrs={"rows": 4, "dir": direction, "lang": code}),
        )

    def clean_slug(self) -> str:
        """Refuse the address at which pictures are uploaded."""
        slug = str(self.cleaned_data["slug"])
        if slug in RESERVED_SLUGS:
            raise forms.ValidationError(_("Another assistant has this address."))
        return slug

    def clean(self) -> dict[str, object]:
        """Refuse more starters than a page holds."""
        cleaned: dict[str, object] = super().clean() or self.cleaned_data
        for code, _name in settings.LANGUAGES:
            starters = read_starters(str(cleaned.get(f"starters_{code}") or ""))
            if len(starters) > MAX_STARTERS:
                self.add_error(f"starters_{code}", _("Eight starters at most."))
        return cleaned

    def _texts(self, name: str) -> dict[str, str]:
        """Return a text of every language; of languages that the site no longer has, what was there."""
        kept: dict[str, str] = dict(getattr(self.instance, name) or {})
        for code, _name in settings.LANGUAGES:
            kept[code] = " ".join(str(self.cleaned_data.get(f"{name}_{code}") or "").split())
        return {code: text for code, text in kept.items() if text}

    def apply(self) -> Assistant:
        """Put the texts onto the assistant without saving it; also with errors in other fields."""
        assistant: Assistant = self.instance
        for name in TEXTS:
            setattr(assistant, name, self._texts(name))
        starters = dict(assistant.starters or {})
        for code, _name in settings.LANGUAGES:
            starters[code] = read_starters(str(self.cleaned_data.get(f"starters_{code}") or ""))
        assistant.starters = {code: rows[:MAX_STARTERS] for code, rows in starters.items() if rows}
        return assistant

    def save(self, commit: bool = True) -> Assistant:
        """Keep the assistant with all of its texts."""
        self.apply()
        assistant: Assistant = super().save(commit)
        if commit and self._unseen:
            assistant.collections.add(*self._unseen)
        return assistant

    @property
    def language_parts(self) -> list[tuple[str, str, str, list[forms.BoundField]]]:
        """List (code, name, direction, fields) for each language of the site."""
        parts = []
        for code, _name in settings.LANGUAGES:
            info = get_language_info(code)
            names = [*TEXTS, "starters"]
            fields = [self[f"{name}_{code}"] for name in names]
            parts.append((code, info["name_local"], "rtl" if info["bidi"] else "ltr", fields))
        return parts


class TranscriptSearchForm(forms.Form):
    """What staff look for among the conversations."""

    q = forms.CharField(label=_("Words"), required=False, max_length=200)
    assistant = forms.ModelChoiceField(
        label=_("Assistant"), required=False, queryset=Assistant.objects.none(), to_field_name="slug"
    )
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Offer every assistant."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["assistant"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Assistant.objects.all()
        field.empty_label = str(_("All assistants"))
