"""The catalog as other catalogs read it."""
