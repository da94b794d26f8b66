"""What a host is: each role joins cores to the kernel, and does nothing else."""
