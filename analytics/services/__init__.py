from analytics.services.rebuilding import Comparison, rebuild, reconcile, verify
from analytics.services.recording import record

__all__ = ["Comparison", "rebuild", "reconcile", "record", "verify"]
