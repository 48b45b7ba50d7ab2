"""Measurements of webvdi beside its peers, on one host and in one run; see README.md."""
