"""What operators see: metrics, traces, and the port where they are asked for. Ids and numbers, never text."""
