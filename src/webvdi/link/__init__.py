"""The link between web tier and Managed Server: frames, both faces, and their clients.

Standard library only, so that a CGI program can speak it.  ``docs/reference/link-protocol.md``.
"""
