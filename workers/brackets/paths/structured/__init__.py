"""Brackets of multilayer perceptrons as matrix products over pairs of examples.

Layer l = 1 … L maps a_(l−1) to z_l = W_l a_(l−1) + b_l and a_l = φ_l(z_l); a_0 is the input and z_L the logits.
δ_l = ∂L/∂z_l. Along the direction g_x at the example y, u_l = dδ_l and v_l = da_l are the tangents, so that

    H_y g_x = u_l ⊗ a_(l−1) + δ_l ⊗ v_(l−1) for W_l, and u_l for b_l.

No gradient of the size of the parameters is ever formed, and a pair costs 8 Σ_(l≥2) d_l d_(l−1) flops.

Axes used throughout: m examples of a state, x of mx direction examples on the left and y of my on the right,
p selected pairs, d_l width of layer l, K outputs, T test examples, n parameter tensors.
"""
