"""What a training run is: its configuration, checkpoints, evaluations and curves."""
