"""A priority per segment and node, linear in a few features; weights are searched for in episodes."""
