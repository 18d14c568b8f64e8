"""Pictures that go with a question: checked and encoded anew in a child process, kept, sent, removed.

Nothing is imported here, because the child starts through this package and must start fast.
"""
