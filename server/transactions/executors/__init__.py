"""Who does what was confirmed: plug-ins behind ``interface.Executor``. Built in: see ``registry.BUILT_IN``."""

from server.transactions.executors.registry import ExecutorMaker, ExecutorMeans, find_executor, make_executors

__all__ = ["ExecutorMaker", "ExecutorMeans", "find_executor", "make_executors"]
