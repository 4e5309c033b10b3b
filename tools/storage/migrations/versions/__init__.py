"""Each version of the tables, as the steps that lead to it from the one before."""
