"""The RFB (VNC) protocol as a client speaks it, without any input or output (ARCHITECTURE.md).

Sources: RFC 6143, and the community's *rfbproto* document for all that came after it.
:class:`~webvdi.rfb.protocol.RfbProtocol` is the door; the rest is one small file a message,
encoding or security type, each with one line in a table beside it.
"""
