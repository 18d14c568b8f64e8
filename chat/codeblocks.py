"""Code in model text, coloured by CSS classes (static/css) and with room for a copy button."""

from html import escape

from django.utils.translation import gettext as _

MAX_HIGHLIGHTED_CHARS = 20_000


def code_html(code: str, language: str) -> str:
    """Return a code block with its head; a language nobody knows, and very long code, stay plain."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    label, html = language, escape(code)
    if language and len(code) <= MAX_HIGHLIGHTED_CHARS:
        try:
            lexer = get_lexer_by_name(language, stripnl=False)
        except ClassNotFound:
            pass
        else:
            label, html = str(lexer.name), highlight(code, lexer, HtmlFormatter(nowrap=True))
    copy = escape(_("Copy code"))
    return (
        f'<div class="code" dir="ltr"><div class="code-head"><span>{escape(label)}</span>'
        f'<button type="button" class="icon-btn icon-btn-s" data-copy-code aria-label="{copy}" '
        f'title="{copy}"></button></div><pre tabindex="0"><code>{html}</code></pre></div>\n'
    )
