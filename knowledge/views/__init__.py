"""Pages of the knowledge room: authorise, parse, call one verb, answer."""
