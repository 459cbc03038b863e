"""What the benchmarks measure, apart from their command lines."""
