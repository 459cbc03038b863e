"""Bridges to other people's libraries, each behind an extra of the package."""
