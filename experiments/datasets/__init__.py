"""Episodes of policies, kept for others to learn from."""
