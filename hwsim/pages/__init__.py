"""Self-contained HTML pages: of a report, of a comparison, of a sweep."""

from hwsim.pages.compare import write_comparison
from hwsim.pages.report import write_report
from hwsim.pages.sweep import write_sweep_page

__all__ = ["write_comparison", "write_report", "write_sweep_page"]
