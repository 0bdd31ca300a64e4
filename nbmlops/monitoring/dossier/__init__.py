"""The dossier of a model: what an auditor asks of it, answered by evidence that the store holds, gaps told as gaps."""
