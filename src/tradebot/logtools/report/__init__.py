"""One HTML file about a run, a cycle, an order or a period, to be read without anything else."""
