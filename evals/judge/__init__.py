"""An LLM judge: numbered questions, answers read strictly, and what they took."""
