"""The Fabricator: streams for browsers.  Thin shells that relay opaque messages.

Each rung (WebSocket now) is a way for the viewer protocol's messages to travel; none looks into
them.  Rights are the Managed Server's business, from the ticket in the first message.
"""
