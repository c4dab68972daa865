"""What a replica job says as a whole, from the small arrays that its groups stored."""
