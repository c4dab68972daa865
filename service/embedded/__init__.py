"""The embedded stack: Postgres, an S3 server, Ray, the API and a dispatcher as supervised child processes of one folder."""
