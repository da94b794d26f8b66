"""What the command line prints: progress, results, past records."""
