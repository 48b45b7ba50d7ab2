"""What there is to say about this host."""

from pathlib import Path

from webvdi.broker.views import FindingView
from webvdi.vmm.qemu import resources
from webvdi.vmm.qemu.doctor import examine_host

_WORST_FIRST = ("failure", "warning", "note", "ok")
_MEMINFO = Path("/proc/meminfo")


async def findings(state: Path) -> tuple[FindingView, ...]:
    """What was found out about this host, the worst first; takes some seconds."""
    found = await examine_host(state)
    views = [FindingView(one.name, one.level.value, one.text, one.remedy) for one in found]
    return tuple(sorted(views, key=lambda view: _WORST_FIRST.index(view.level)))


def available_mib() -> int | None:
    """Memory that could still be given away, in MiB; None where that is not known."""
    try:
        return resources.available_mib(_MEMINFO.read_text())
    except (OSError, ValueError, RuntimeError):
        return None
