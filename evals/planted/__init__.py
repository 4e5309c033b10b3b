"""Known truth: subjects whose features promote and fire on what was planted in them, and labelers measured on it."""
