"""Use cases: the only room that knows engines, guests, rights and the link together."""
