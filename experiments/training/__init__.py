"""Parts of a training run: its configuration, checkpoints, evaluations and curves."""
