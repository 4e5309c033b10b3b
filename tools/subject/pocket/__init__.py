"""The bundled subject: the scripts that made it, and its weights in data/."""
