"""What live recognition costs: latency, CPU and memory, beside other libraries."""
