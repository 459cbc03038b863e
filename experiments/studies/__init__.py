"""Parts of a study: configuration, runs that are played once and kept, results, plots and pages."""
