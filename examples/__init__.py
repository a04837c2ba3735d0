"""Tools to use, and to start your own from: each file says what it does and how it is started."""
