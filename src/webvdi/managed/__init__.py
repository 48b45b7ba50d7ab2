"""The Managed Server: sessions, their mirrors, and the viewers attached to them.

``core`` is the brain (events in, commands out; no sockets, no clock); ``worker`` and ``router``
are the shells around it.
"""
