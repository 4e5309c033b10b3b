"""Causal effects: what changes in a model's predictions when a feature is added to it or taken out."""
