"""Labels by a language model: what it is shown, how it investigates, and what becomes of its answer."""
