"""Properties of presets: utilisation, costs of loading, headroom."""
