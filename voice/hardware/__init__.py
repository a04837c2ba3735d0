"""Devices and streams, and what becomes of them; `voice.audio` puts them together."""
