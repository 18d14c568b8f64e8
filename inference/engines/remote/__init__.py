"""What the engines on other servers share: connection, deadlines, retries, breaker, refusals."""
