"""What can be known of accuracies that nobody tells: estimates, bands, alarms, thresholds found online."""
