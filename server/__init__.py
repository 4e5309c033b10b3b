"""Every front door to the project: the command line, and static pages."""
