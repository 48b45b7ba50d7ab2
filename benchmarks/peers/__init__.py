"""Ways to see a desktop in a browser page; one module each."""
