"""What can be done with features: subjects, token sets, statistics, records, and the workbench that joins them."""
