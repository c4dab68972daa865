"""The embedded stack: Postgres, an S3 server, Ray, the API and a dispatcher, supervised in one folder."""
