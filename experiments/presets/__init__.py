"""What presets are like: how full they are, and what loading costs in them."""
