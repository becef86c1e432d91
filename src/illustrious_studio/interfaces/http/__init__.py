"""What every HTTP interface shares: the guard, the cycle of one request, server-sent events, errors as statuses."""
