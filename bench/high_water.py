"""The most memory that a process held: the resident set, or what torch has on the GPU."""

from pathlib import Path

import torch


def start(device: torch.device) -> int:
    """Set the high-water mark to what is held now; that, in bytes."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return mark(device)


def mark(device: torch.device) -> int:
    """The most memory held since `start`, in bytes."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return 1024 * int(kilobytes)
