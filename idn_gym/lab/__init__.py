"""Cut, squeeze, exit and calibrate real networks, and turn them into catalogue entries (extra ``lab``)."""
