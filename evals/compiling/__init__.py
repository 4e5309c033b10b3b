"""Texts compiled to specifications by one language model, so that labels without hypotheses can be tested too."""
