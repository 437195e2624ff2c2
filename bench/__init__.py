"""Measures Fourseal: ``python -m bench`` (``make bench``), ``--quick``, ``--soak 30m``, ``--padding-oracle``.

``scenarios`` say what is measured, one file each; ``harness`` times, computes, and writes the report; ``rig`` starts
the real server and makes it ready; ``load`` is the process that sends requests. No figure is ever written that was not
measured in the same run.
"""
