const TIMEOUT_MS = 5_000;

/** The series of one exposition. */
export class MetricValues {
  constructor(private readonly text: string) {}

  /** Value of the first series of that name with these labels; null when there is none, which means: not known. */
  one(name: string, labels: Readonly<Record<string, string>> = {}): number | null {
    for (const line of this.text.split('\n')) {
      if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
      if (Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)))
        return Number(line.slice(line.lastIndexOf(' ') + 1));
    }
    return null;
  }

  /** The values of one label among the series of that name. */
  labels(name: string, label: string): string[] {
    const series = this.text.split('\n').filter((line) => line.startsWith(`${name}{`));
    return series.flatMap((line) => new RegExp(`[{,]${label}="([^"]*)"`).exec(line)?.[1] ?? []);
  }
}

/** `/metrics` answers on the machine itself without a token. @throws when it does not answer */
export async function readMetrics(base: string): Promise<MetricValues> {
  const response = await fetch(`${base}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
  return new MetricValues(await response.text());
}
