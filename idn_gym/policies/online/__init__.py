"""Policies that learn the placement online, and policies that receive the episodes beforehand."""
