"""A Saxo OpenAPI on loopback: real HTTP, a real price history, and faults on demand.

The subset and its shapes follow Saxo's public reference; what the documents leave open is an option
(`SimulatorOptions`). Nothing here is imported by the parts that talk to the real broker.
"""

from tradebot.simulator.options import RateLimits, SimulatorOptions
from tradebot.simulator.server import STATE_FILE, Simulator

__all__ = ["STATE_FILE", "RateLimits", "Simulator", "SimulatorOptions"]
