"""The REST interface, version 1: thin endpoints over the broker's use cases, a file a subject."""
