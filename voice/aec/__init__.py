"""Parts of the echo canceller; `voice.echo` puts them together."""
