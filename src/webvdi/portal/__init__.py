"""The portal: the page, its static files, logging in, and the small API that the page uses."""
