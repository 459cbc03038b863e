"""Offloading in a tree: every node runs the next blocks of a request, or passes the tensor up."""
