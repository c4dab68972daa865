"""What runs on the cluster: pure torch code, and in `runtime` the only code that knows Ray and S3."""
