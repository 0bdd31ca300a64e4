"""The ML Test Score of a model: 28 tests, each worth what the store holds as evidence for it."""
