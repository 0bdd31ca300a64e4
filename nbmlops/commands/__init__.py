"""The click command tree, one module per noun, loaded by name: parse, call one service method, give the record."""
