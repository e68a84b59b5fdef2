"""Files and data sets: what comes in, what goes out, and how a terminal is spoken to."""

from msq_ref.files import atomic_path, check_writable, write_text

__all__ = ["atomic_path", "check_writable", "write_text"]
