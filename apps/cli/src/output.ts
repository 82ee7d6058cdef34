/** One JSON document on stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Progress and other talk; never mixed into stdout. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const cell = (value: unknown): string => {
  if (value === null || value === undefined || value === '') return '-';
  if (Array.isArray(value)) return value.map(cell).join(',');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

/** A plain table of the named columns, widths fitted, long cells cut. */
export function printTable(rows: readonly Readonly<Record<string, unknown>>[], columns: readonly string[]): void {
  if (rows.length === 0) {
    process.stdout.write('none\n');
    return;
  }
  const cells = [
    columns.map((name) => name.replaceAll('_', ' ')),
    ...rows.map((row) => columns.map((name) => cell(row[name]).slice(0, 60))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => (line[i] ?? '').length)));
  for (const line of cells)
    process.stdout.write(
      `${line
        .map((text, i) => text.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    );
}

/** Name and value per line. */
export function printFields(value: Readonly<Record<string, unknown>>, prefix = ''): void {
  for (const [name, field] of Object.entries(value)) {
    if (typeof field === 'object' && field !== null && !Array.isArray(field))
      printFields(field as Record<string, unknown>, `${prefix}${name}.`);
    else process.stdout.write(`${`${prefix}${name}`.padEnd(28)} ${cell(field)}\n`);
  }
}

/** Copies a response body to stdout as it comes. */
export async function pipeToStdout(response: Response): Promise<void> {
  if (response.body === null) return;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}
