"""How replicas drift in time: Lyapunov exponents, growth laws, autocorrelations."""
