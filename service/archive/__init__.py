"""Result tables of done jobs as Parquet objects, and jobs that were exported elsewhere."""
