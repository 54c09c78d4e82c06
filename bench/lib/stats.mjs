// Medians and percentiles of samples in milliseconds.

export function percentile(samples, p) {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.ceil((p / 100) * sorted.length) - 1);
  return sorted[Math.max(0, at)];
}

export function summary(samples) {
  return {
    n: samples.length,
    median_ms: percentile(samples, 50),
    p95_ms: percentile(samples, 95),
    min_ms: percentile(samples, 0),
  };
}
