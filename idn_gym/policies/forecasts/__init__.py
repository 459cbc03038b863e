"""Forecasts of the batches to come, behind one interface that planners and learners share."""
