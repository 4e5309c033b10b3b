"""Labels of others as runs: files of other programs, read as they are."""
