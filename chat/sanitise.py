"""The second wall behind the Markdown renderer: nh3 keeps only the tags and attributes listed here."""

import re

import nh3

MATHML_TAGS = frozenset(
    re.findall(
        r"\w+",
        "math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover "
        "mmultiscripts mprescripts mtable mtr mtd mpadded mphantom mstyle menclose merror",
    )
)
_MATHML_ATTRIBUTES = set(
    re.findall(
        r"\w+",
        "display displaystyle scriptlevel mathvariant stretchy fence separator form lspace rspace minsize "
        "maxsize largeop symmetric movablelimits accent accentunder linethickness width height depth "
        "voffset columnalign columnlines columnspacing rowlines rowspacing rowspan columnspan notation",
    )
)
_TAGS = set(
    re.findall(
        r"\w+",
        "p h3 h4 h5 h6 ul ol li blockquote hr br em strong s code pre div span a b "
        "table thead tbody tr th td button",
    )
)
_WITH_DIRECTION = re.findall(r"\w+", "p h3 h4 h5 h6 ul ol li blockquote table th td code div span a")
_DIRECTIONS = {"dir": {"auto", "ltr", "rtl"}}
_CITATION_ADDRESS = re.compile(r"#source-\d{1,3}")


def clean(html: str) -> str:
    """Return the HTML without anything that is not listed."""
    return str(_CLEANER.clean(html))


def _citation_only(url: str) -> str | None:
    return url if _CITATION_ADDRESS.fullmatch(url) else None


_CLEANER = nh3.Cleaner(
    tags=_TAGS | MATHML_TAGS,
    clean_content_tags={"script", "style"},
    attributes={
        **dict.fromkeys(MATHML_TAGS, _MATHML_ATTRIBUTES),
        "a": {"href", "data-n", "aria-label", "title", "class"},
        "button": {"data-copy-code", "aria-label", "title"},
        "ol": {"start"},
        "span": {"class"},
    },
    tag_attribute_values={
        **dict.fromkeys(_WITH_DIRECTION, _DIRECTIONS),
        "a": {"target": {"_blank"}, **_DIRECTIONS},
        "th": {"scope": {"col"}, "class": {"num"}, **_DIRECTIONS},
        "td": {"class": {"num"}, **_DIRECTIONS},
        "div": {"class": {"code", "code-head", "prose-table", "maths"}, **_DIRECTIONS},
        "pre": {"tabindex": {"0"}},
        "button": {"type": {"button"}, "class": {"icon-btn icon-btn-s"}},
    },
    link_rel="noopener noreferrer nofollow",
    url_schemes={"http", "https", "mailto"},
    url_relative=_citation_only,
)
