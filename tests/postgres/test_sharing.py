"""Records that several workers share, on a PostgreSQL server."""

from sharing import *  # noqa: F403
