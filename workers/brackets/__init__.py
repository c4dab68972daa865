"""Lie brackets of training examples: [v_x, v_y] = H_y g_x − H_x g_y with v = −∇L, for any torch module.

Axes used throughout: N examples, P parameters in n tensors, K outputs, T test examples, D directions.
"""
