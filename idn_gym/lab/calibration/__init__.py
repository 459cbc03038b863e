"""What confidences are worth: calibration, its error, and quality without labels."""
