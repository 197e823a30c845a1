"""OpenTelemetry without a dependency: what a store holds as spans and log records, to a file or over HTTP."""
