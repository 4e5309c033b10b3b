"""The tables of new, older and newer databases on a PostgreSQL server."""

from migrating import *  # noqa: F403
