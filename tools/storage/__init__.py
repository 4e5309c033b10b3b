"""What outlives a command: the data folder, atomic files, a bytes-only cache and the database of records."""
