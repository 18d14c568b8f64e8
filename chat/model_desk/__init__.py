"""The models page: which engines and models are here, pulls with their progress, two models side by side."""
