"""A telephone call over RTP: what its packets went through, and how good it sounded."""
