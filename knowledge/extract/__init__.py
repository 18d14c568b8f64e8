"""Turn an uploaded file into text, in a child process with limits.

The public door is `knowledge.extract.runner.extract`; what it returns is in `types`, what it raises
in `errors`. Nothing is imported here, because the child starts through this package and must start fast.
"""
