"""Names, versions, runs and where they come from, as proposals that DataHub's file source reads."""
