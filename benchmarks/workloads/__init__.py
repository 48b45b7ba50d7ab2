"""What is done in the pages while it is measured; one module each."""
