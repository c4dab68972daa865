"""The scheduler: fires sweeps at cron instants, each at most once however many schedulers run."""
