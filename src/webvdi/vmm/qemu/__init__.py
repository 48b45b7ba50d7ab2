"""The QEMU engine: machines on this host, each with a shepherd that outlives us.

=================  ===========================================================================
``engine``         the contract: which machines there are, one verb after the other
``supervision``    one machine: launch, adopt, watch, end
``shepherd``       the program beside each QEMU (standard library only)
``netns``          the program between shepherd and QEMU that fences the guest's network
``argv``           the command line, a pure function
``probe``          which QEMU there is;  ``acceleration``: whether KVM really works
``monitor``        QMP;  ``records``: files of a machine;  ``exits``: why one ended
``resources``      is there room;  ``images``: qemu-img;  ``network``: what the fence is made of
=================  ===========================================================================
"""

from webvdi.vmm.qemu.engine import QemuEngine

__all__ = ["QemuEngine"]
