"""The committed facts behind the shipped catalogue, and one module per group that reads them."""
