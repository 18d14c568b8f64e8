"""Model servers written from their wire formats, faults included."""
