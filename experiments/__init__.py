"""Commands that run from the root of the checkout: ``python -m experiments.train --help``."""
