"""Measurements of the benchmarks, apart from their command lines.

`worker` is a script that plays work in a process of its own, with whatever version of the package its
interpreter finds; `processes` talks to it, `versions` says which versions there are. `bench` lets several
play in turn and compares them; `measured` holds what came out, and `stored_ratios` what came out before. The
other modules measure the rows of the tables, which `every_row` lists.
"""
