"""Figures that anyone can reproduce; each file prints one table."""
