"""Files and data sets: what comes in, what goes out, and how a terminal is spoken to."""

from msq_ref.builds import asked_program, cached_build, digest, find_program, run_program
from msq_ref.files import atomic_path, check_writable, write_text
from msq_ref.names import known_name
from msq_ref.settings import Settings, parse_settings, read_toml

__all__ = [
    "Settings",
    "asked_program",
    "atomic_path",
    "cached_build",
    "check_writable",
    "digest",
    "find_program",
    "known_name",
    "parse_settings",
    "read_toml",
    "run_program",
    "write_text",
]
