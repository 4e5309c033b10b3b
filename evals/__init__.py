"""Measurements of the product: claim rates, excess discoveries, and the figures behind the README."""
