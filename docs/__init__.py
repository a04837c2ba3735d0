"""What the documentation shows, made from real runs."""
