"""What the tools of ``tools.py`` do: weather and notes."""
