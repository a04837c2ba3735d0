"""The examinations of ``--check``; `voice.doctor` goes through them."""
