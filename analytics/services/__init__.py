from analytics.services.rebuilding import Comparison, rebuild, verify
from analytics.services.recording import record

__all__ = ["Comparison", "rebuild", "record", "verify"]
