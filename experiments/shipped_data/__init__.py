"""Where the data that ships with the package comes from."""
