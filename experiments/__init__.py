"""Commands to run from the root of the checkout: ``python -m experiments.train --help``."""
