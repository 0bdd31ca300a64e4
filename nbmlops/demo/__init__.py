"""The main job on real flights, from an empty folder to a promoted pipeline, as ``nbmlops demo`` shows it."""
