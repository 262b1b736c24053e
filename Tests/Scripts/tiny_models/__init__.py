"""Tiny random models with reference logits; `make_tiny_models.py` is the way in."""
