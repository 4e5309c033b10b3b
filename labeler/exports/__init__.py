"""Labels of a run in other programs' formats, one file per format; failed labels are never explanations in any."""
