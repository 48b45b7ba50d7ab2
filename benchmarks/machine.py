"""Facts without which a figure says nothing: the host, its load, and who took part."""

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """The host that was measured on."""

    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    python: str

    @classmethod
    def this(cls) -> "Machine":
        """The host that this runs on."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return cls(
            cpu=cpu_model(Path("/proc/cpuinfo").read_text()),
            cores=len(os.sched_getaffinity(0)),
            memory_gib=round(memory / 2**30, 1),
            kernel=platform.release(),
            python=platform.python_version(),
        )

    def __str__(self) -> str:
        return (
            f"{self.cores} × {self.cpu}, {self.memory_gib} GiB, Linux {self.kernel}, "
            f"Python {self.python}"
        )


def cpu_model(cpuinfo: str) -> str:
    """The processor's name in the text of /proc/cpuinfo; some architectures give none."""
    found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def load() -> float:
    """Processes that ran or wanted to, averaged over the last minute."""
    return os.getloadavg()[0]


def version_of(*command: str) -> str:
    """The first version number that a program prints about itself, "?" if it prints none."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "?"
