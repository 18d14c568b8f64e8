"""What the chat page's scripts say, translated. Sentences come whole: a script only fills {names} in."""

from collections.abc import Callable

from django.utils.formats import get_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

# One number of each plural category that a browser's Intl.PluralRules can name.
SAMPLES = {"zero": 0, "one": 1, "two": 2, "few": 3, "many": 11, "other": 100}


def _sentences() -> dict[str, str]:
    return {
        "send": _("Send"),
        "send_due": _("Sent as soon as the pictures are uploaded"),
        "send_due_long": _("Your question is sent as soon as the pictures are uploaded."),
        "upload_first": _("Not sent yet: a picture is missing. Upload it again, or remove it."),
        "stop": _("Stop (Esc)"),
        "working": _("Working on it"),
        "warming_up": _("**Starting the model.** The first answer after a pause takes longer."),
        "queued_next": _("**You are next.**"),
        "queued": _("**You are number {position} in line.** Your question is kept."),
        "reading_part": _("**Reading part {part} of {parts}**"),
        "writing": _("Writing the answer"),
        "stopping": _("Stopping"),
        "connecting": _("**Connecting again.** Nothing written so far is lost."),
        "offline": _("**You are offline.** The answer goes on when the connection is back."),
        "offline_unsent": _(
            "**You are offline.** Your question is kept and sent when the connection is back."
        ),
        "closed": _("**Your session has ended.** Reload the page to go on."),
        "page": _("p. {page}"),
        "seconds": _("{n} s"),
        "copied": _("Copied"),
        "not_copied": _("Copying was not allowed"),
        "open_page": _("Open page {page}"),
        "open_document": _("Open document"),
        "from_source": _("From source {n}"),
        "n_of_m": _("{n} of {m}"),
        "not_cited": _("read, not cited"),
        **_attaching(),
    }


def _attaching() -> dict[str, str]:
    return {
        "attach_text_only": _(
            "The model of this assistant reads text only, so pictures cannot be attached. "
            "Describe in words what they show."
        ),
        "attach_type": _("“{name}” was not attached. Use PNG, JPEG, WebP or GIF, or a short video."),
        "attach_large": _("“{name}” was not attached. A picture may have up to {size} MB."),
        "attach_gone": _("“{name}” is no longer kept here. Attach it again."),
        "video_reading": _("Taking pictures from the video"),
        "video_long": _("“{name}” was not attached. A video may last up to a minute."),
        "video_unreadable": _("“{name}” was not attached. Your browser cannot read this video."),
        "uploading": _("Uploading {name}"),
        "upload_lost": _("Not uploaded, because the connection was lost."),
        "upload_again": _("Upload {name} again"),
        "remove_image": _("Remove {name}"),
    }


def _plurals() -> dict[str, Callable[[int], str]]:
    return {
        "searching": lambda n: ngettext("**Searching {n} document**", "**Searching {n} documents**", n),
        "reading": lambda n: ngettext("**Reading {n} source**", "**Reading {n} sources**", n),
        "read": lambda n: ngettext("read {n} source", "read {n} sources", n),
        "too_long": lambda n: ngettext(
            "Your question is {n} character too long.", "Your question is {n} characters too long.", n
        ),
        "attach_many": lambda n: ngettext(
            "A question may have {n} picture. The others were not attached.",
            "A question may have {n} pictures. The others were not attached.",
            n,
        ),
        "attached": lambda n: ngettext("{n} picture attached", "{n} pictures attached", n),
        "queued_next_seconds": lambda n: ngettext(
            "**You are next,** in about {n} second.", "**You are next,** in about {n} seconds.", n
        ),
        "queued_next_minutes": lambda n: ngettext(
            "**You are next,** in about {n} minute.", "**You are next,** in about {n} minutes.", n
        ),
        "queued_seconds": lambda n: ngettext(
            "**You are number {position} in line,** about {n} second. Your question is kept.",
            "**You are number {position} in line,** about {n} seconds. Your question is kept.",
            n,
        ),
        "queued_minutes": lambda n: ngettext(
            "**You are number {position} in line,** about {n} minute. Your question is kept.",
            "**You are number {position} in line,** about {n} minutes. Your question is kept.",
            n,
        ),
        "lost": lambda n: ngettext(
            "**Connection lost.** Trying again in {n} second; nothing written so far is lost.",
            "**Connection lost.** Trying again in {n} seconds; nothing written so far is lost.",
            n,
        ),
    }


def catalogue() -> dict[str, object]:
    """Return the sentences in the reader's language, plural forms by category name."""
    return {
        "language": get_language() or "en",
        "decimal": get_format("DECIMAL_SEPARATOR"),
        "sentences": _sentences(),
        "plurals": {
            key: {category: form(number) for category, number in SAMPLES.items()}
            for key, form in _plurals().items()
        },
    }
