"""What the blocks of a checkpoint say together, over tensors and over outputs."""
