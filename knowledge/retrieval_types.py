"""What retrieval returns. Plain values, shared by retrieval, evaluation, prompts and pages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a passage: code points [start, end) in the passage's text, score 0–1."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Parts:
    """What a passage's score is made of; together they are the score.

    meaning: of the vectors; words: of the word index; previous: of the question before; sentence: what
    its best sentence added.
    """

    meaning: float = 0.0
    words: float = 0.0
    previous: float = 0.0
    sentence: float = 0.0


@dataclass(frozen=True, slots=True)
class Passage:
    """One retrieved chunk the reader may see.

    score: 0–1 after fusion and re-ranking, parts: what made it; dense, words: what each index gave, 0–1.
    sentences: in reading order, scored.
    heading: path joined by " › ". sha256: of the chunk's content, kept with citations. release: number of
    the release it was found in; None: the draft. title, name: of the document as it was in that version.
    """

    chunk_id: int
    chunk_key: str
    sha256: str
    document_id: str
    document_title: str
    document_name: str
    collection_slug: str
    release: int | None
    heading: str
    page: int | None
    text: str
    score: float
    dense: float
    words: float
    sentences: tuple[Sentence, ...]
    parts: Parts = Parts()

    @property
    def best_sentence(self) -> Sentence | None:
        """The sentence that answers best."""
        return max(self.sentences, key=lambda sentence: sentence.score, default=None)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Passages best first, and how sure retrieval is that they answer.

    confidence: 0–1; below the threshold `is_answerable` is False: say that nothing was found and
    name `passages` as the nearest. is_partial: the vector store did not answer, words only. evidence: what
    confidence was made from, in log odds, before the collection's own threshold.
    """

    passages: tuple[Passage, ...]
    confidence: float
    is_answerable: bool
    is_partial: bool = False
    evidence: float = 0.0
