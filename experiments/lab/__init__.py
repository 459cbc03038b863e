"""Trained networks on disk, what the headline claims need of them, and label-free quality on their logits."""
