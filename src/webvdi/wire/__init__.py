"""The viewer protocol (session ⇄ browser): messages and their bytes, blind to transports.

``docs/reference/viewer-protocol.md`` is the reference, ``browser/viewer/protocol.js`` the twin;
both sides run the golden vectors in ``tests/goldens/wire``.
"""
