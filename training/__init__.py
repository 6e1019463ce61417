"""Maskwright's training code: from a corpus of labelled short texts to a model folder in LLaDA's layout.

The way through it: documents -> tokenizer -> pack -> train -> export -> evaluate, reference. See each file's head.
"""
