"""Where the frozen vectors lie."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "vectors" / "v1"
