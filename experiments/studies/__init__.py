"""What a study is: its configuration, runs that are played once and kept, results, plots and pages."""
