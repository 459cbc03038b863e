"""One page for one network."""
