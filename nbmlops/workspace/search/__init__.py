"""Search over everything that the catalog knows by name: data, models, pipelines, runs and reports."""
