"""Tables and plots of comparisons, in one style."""
