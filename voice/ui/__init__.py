"""Parts of the screen; `voice.screen` puts them together."""
