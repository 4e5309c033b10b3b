"""Scorers of labels, one file each: what a label says beside what the feature does on data nobody who wrote it saw."""
