"""Playing policies on fixed seeds, and saying how sure the numbers are."""
