"""Runs compared by the scores of their labels, feature by feature."""
