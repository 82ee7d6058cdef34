/** Microseconds -> ISO 8601 UTC with six decimals. */
export function isoMicro(us: number): string {
  const seconds = new Date(Math.floor(us / 1000)).toISOString().slice(0, 19);
  return `${seconds}.${String(((us % 1_000_000) + 1_000_000) % 1_000_000).padStart(6, '0')}Z`;
}

/** ISO 8601 UTC with up to six decimals -> microseconds. @throws RangeError when it is no such instant. */
export function microsOf(iso: string): number {
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?Z$/.exec(iso);
  const ms = match === null ? NaN : Date.parse(`${match[1]}Z`);
  if (match === null || Number.isNaN(ms)) throw new RangeError(`not an instant in UTC: ${iso}`);
  return ms * 1000 + Number((match[2] ?? '').padEnd(6, '0'));
}
