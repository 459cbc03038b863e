"""Any torch network as a table of operators: work, sizes, cuts, times, and an entry of the catalogue."""
