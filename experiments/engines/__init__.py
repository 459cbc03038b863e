"""Where jobs are done: in processes of this machine, on a Ray cluster, or in arrays of a scheduler."""
