"""Titles of conversations, made from the first question without a model."""

MAX_CHARS = 60


def title_of(question: str) -> str:
    """Return the question's first line, cut at a word."""
    line = " ".join(question.strip().splitlines()[0].split()) if question.strip() else ""
    if len(line) <= MAX_CHARS:
        return line
    cut = line[: MAX_CHARS - 1]
    head = cut.rsplit(" ", 1)[0] if " " in cut[20:] else cut
    return head.rstrip(" ,.;:") + "…"
