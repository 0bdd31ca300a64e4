"""Where bytes and facts live: objects, catalog, versions, lineage, audit, trust."""
