"""Makes a working repository: notebooks as a pipeline, code, tests, deployment, on a table of one's own."""
