"""A bracket job with every reduction, from the queue through Ray and S3 to the client."""
