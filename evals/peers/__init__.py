"""Other people's enrichment software on a benchmark workload: one module each, installed with the extra `bench`."""

PERMUTATIONS = 1000
