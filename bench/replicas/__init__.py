"""`python -m bench.replicas`: members of a stack beside sequential training with torch.optim in the same run.

Axes: R members, P parameters, B examples of a batch.
"""
