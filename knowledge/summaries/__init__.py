"""Summaries: whole documents by parts and then of the parts; without a model, sentences of the document."""
