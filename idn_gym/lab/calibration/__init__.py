"""Calibration of confidences: its error, and estimates of quality without labels."""
