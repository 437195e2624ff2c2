"""What the figures were measured on: hardware, kernel, libraries, and what else the machine did meanwhile."""

from __future__ import annotations

import os
import platform
import resource
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import gmpy2
import psutil
from cryptography.hazmat.backends.openssl import backend

_LIBRARIES = ("cryptography", "gmpy2", "grpcio", "protobuf", "sqlalchemy")
_FLAGS = ("aes", "sha_ni", "bmi2", "adx", "avx2", "avx512f", "avx512ifma", "avx512vbmi", "vaes", "hypervisor")
"""Flags that big-number arithmetic, hashes and TLS make use of, and the one of virtual machines."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine. ``governor`` is empty where the kernel does not say."""

    processor: str
    cores: int
    usable_cores: tuple[int, ...]
    flags: tuple[str, ...]
    governor: str
    memory_bytes: int
    kernel: str
    python: str
    libraries: dict[str, str]
    load_average: tuple[float, float, float]

    def as_dict(self) -> dict[str, object]:
        """Return the fields as JSON has them."""
        return asdict(self)

    def lines(self) -> list[tuple[str, str]]:
        """Return what a person is told, as pairs of what and value."""
        return [
            ("processor", self.processor),
            ("cores", f"{self.cores}, usable: {', '.join(map(str, self.usable_cores))}"),
            ("flags", " ".join(self.flags) or "none of those that matter here"),
            ("governor", self.governor or "not known"),
            ("memory", f"{self.memory_bytes / 2**30:.1f} GiB"),
            ("kernel", self.kernel),
            ("Python", self.python),
            ("libraries", ", ".join(f"{name} {version}" for name, version in self.libraries.items())),
            ("load at start", " ".join(f"{value:.2f}" for value in self.load_average)),
        ]


def describe_machine() -> Machine:
    """Look at the machine as it is now."""
    processor = _processor()
    return Machine(
        processor=processor.get("model name", platform.processor() or platform.machine()),
        cores=os.cpu_count() or 1,
        usable_cores=tuple(sorted(os.sched_getaffinity(0))),
        flags=tuple(flag for flag in _FLAGS if flag in processor.get("flags", "").split()),
        governor=_governor(),
        memory_bytes=psutil.virtual_memory().total,
        kernel=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        libraries=_libraries(),
        load_average=os.getloadavg(),
    )


@dataclass(frozen=True, slots=True)
class ProcessorTimes:
    """Processor seconds spent so far, since some start: by everybody on this machine, and by this run.

    The run's own include its child processes once they have ended.
    """

    everybody: float
    stolen: float
    ours: float

    @classmethod
    def now(cls) -> ProcessorTimes:
        """Read the counters."""
        times = psutil.cpu_times()
        busy = sum(times) - times.idle - times.iowait - times.guest - times.guest_nice
        own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return cls(busy, times.steal, sum(usage.ru_utime + usage.ru_stime for usage in own))

    def others_since(self, start: ProcessorTimes) -> float:
        """Return the processor seconds that others spent since ``start``: other processes, and the host (steal)."""
        return max(0.0, (self.everybody - start.everybody) - (self.ours - start.ours))

    def stolen_since(self, start: ProcessorTimes) -> float:
        """Return the processor seconds that the host gave to other machines since ``start``."""
        return self.stolen - start.stolen


def file_system_of(folder: Path) -> str:
    """Return the type of the file system that a folder lies on: what fsync costs depends on it."""
    real = folder.resolve()
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    return next((mounts[place] for place in (real, *real.parents) if place in mounts), "unknown")


def _processor() -> dict[str, str]:
    """Return the first processor's entry of /proc/cpuinfo."""
    first = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _governor() -> str:
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def _libraries() -> dict[str, str]:
    versions = {name: metadata.version(name) for name in _LIBRARIES}
    return versions | {"GMP": gmpy2.mp_version().removeprefix("GMP "), "OpenSSL": backend.openssl_version_text()}
