"""Tests, and the small real things that they test against: a sound card, a service, a program in a process."""
