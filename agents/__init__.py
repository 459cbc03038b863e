"""Agents: heuristics, online learners and reinforcement learning, behind one registry."""
