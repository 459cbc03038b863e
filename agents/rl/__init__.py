"""Agents that learn with Stable-Baselines3 (extra ``rl``)."""
