"""The simulated world as arrays and plain-loop kernels: no files, no randomness, no rewards."""
