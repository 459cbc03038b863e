"""The simulated world as arrays and plain-loop kernels: no files, no randomness, no rewards."""

# Numba asks for the type of a record when it first meets one, in whichever module that is.
import idn_gym.core.record_types  # noqa: F401
