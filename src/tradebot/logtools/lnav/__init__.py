"""The format of the log for the viewer lnav, rendered and installed."""
