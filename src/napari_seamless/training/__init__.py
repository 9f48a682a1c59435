"""Train networks on volumes larger than memory."""
