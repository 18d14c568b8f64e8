"""What the room keeps, one file a domain."""

from knowledge.models.answers import ApprovedAnswer
from knowledge.models.calibration import Calibration, Measured
from knowledge.models.collections import Collection, Visibility
from knowledge.models.documents import (
    Chunk,
    ChunkState,
    Document,
    DocumentEvent,
    DocumentStatus,
    DocumentVersion,
    stored_file_name,
)
from knowledge.models.golden import Expectation, GoldenQuestion, GoldenResult, GoldenRun, Origin
from knowledge.models.releases import Release, ReleaseChunk
from knowledge.models.sources import EntryState, Source, SourceEntry, SourceKind
from knowledge.models.summaries import Summary

__all__ = [
    "ApprovedAnswer",
    "Calibration",
    "Chunk",
    "ChunkState",
    "Collection",
    "Document",
    "DocumentEvent",
    "DocumentStatus",
    "DocumentVersion",
    "EntryState",
    "Expectation",
    "GoldenQuestion",
    "GoldenResult",
    "GoldenRun",
    "Measured",
    "Origin",
    "Release",
    "ReleaseChunk",
    "Source",
    "SourceEntry",
    "SourceKind",
    "Summary",
    "Visibility",
    "stored_file_name",
]
