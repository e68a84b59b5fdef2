"""Pictures of reports, each drawn from a report's own figures; see `msq_ref.formats.style`."""

from hwsim.plots.cycles import draw_cycles, plot_cycles, plot_total_cycles
from hwsim.plots.energy import plot_energy, plot_energy_by_layer
from hwsim.plots.occupancy import plot_occupancy
from hwsim.plots.pareto import plot_pareto
from hwsim.plots.roofline import plot_roofline

__all__ = [
    "draw_cycles",
    "plot_cycles",
    "plot_energy",
    "plot_energy_by_layer",
    "plot_occupancy",
    "plot_pareto",
    "plot_roofline",
    "plot_total_cycles",
]
