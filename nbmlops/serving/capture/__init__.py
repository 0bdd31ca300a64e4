"""What was asked of a deployment and what it answered: written beside the answers, folded by the hour, read back."""
