"""Trained networks that go on learning where they run, from few pictures under a shift of their own."""
