"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import psutil


def describe_machine() -> dict[str, str]:
    """Gives processor, cores, memory, system, Python and the day."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 1024**3:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "date": datetime.now(UTC).date().isoformat(),
    }


def load() -> float:
    """Gives the system's load of the last minute: figures taken beside other work are not worth comparing."""
    return os.getloadavg()[0]


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    facts = dict(line.split(":", 1) for line in lines[:30] if ":" in line)
    named = {name.strip(): value.strip() for name, value in facts.items()}
    model = named.get("model name") or platform.processor() or platform.machine()
    number = f" (family {named['cpu family']}, model {named['model']})" if "cpu family" in named else ""
    return model + number
