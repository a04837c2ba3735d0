"""Parts of the conversation's decisions, all pure; `voice.conversation` puts them together."""
