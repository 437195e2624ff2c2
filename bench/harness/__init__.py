"""How is measured: cores, slices, statistics, machine, report. Knows nothing of what is measured."""
