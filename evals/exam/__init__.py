"""What labels are examined on: sealed test tokens and held-out documents of a subject, with matched others."""
