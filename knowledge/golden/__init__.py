"""Golden questions: keep them, ask them of a draft or a release, compare, and tell why one got worse."""
