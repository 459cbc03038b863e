"""Models that go on learning at their nodes: samples, work, versions, and learning together."""
