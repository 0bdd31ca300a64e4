"""Who may do what: policies, their adoption, breaking glass, and the roles of a database."""
