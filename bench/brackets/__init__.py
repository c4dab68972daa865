"""`python -m bench.brackets`: speed and memory of the bracket paths, beside the textbook method in the same run.

Axes: N examples, n parameter tensors, P parameters, K outputs, T test examples. An ordered pair is one H_y g_x.
"""
