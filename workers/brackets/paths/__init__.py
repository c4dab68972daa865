"""Ways of computing brackets behind one interface: generic, tap and structured."""
