"""Networks that are trained here: chains of tiers, exits, DDNN, a quantiser, and well-known references."""
