"""From a recipe to a trained network and to entries of the catalogue."""
