"""A language model behind an OpenAI-compatible server: requests that are retried, limited, cached and paid for."""
