"""Statistics of logit weights and token sets: arrays in, arrays out, no models and no files."""
