"""The portal: pages, signing in, the REST interface with its events, errors as HTTP answers."""
