"""Labels of features: evidence, the claim rule, the statistical labeler and resumable runs."""
