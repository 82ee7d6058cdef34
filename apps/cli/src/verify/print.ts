/** The parts of a report that a person reads, in the order of reading. */
export interface Printable {
  readonly ok: boolean;
  readonly statement: string;
  readonly bad: readonly { readonly code: string; readonly where: string; readonly message: string }[];
  readonly bad_count: number;
  readonly proves: readonly string[];
  readonly does_not_prove: readonly string[];
  readonly notes: readonly string[];
}

const SHOWN = 10;

/** Plain words: what was found first, what it proves and what it does not. */
export function reportText({ ok, statement, bad, bad_count, proves, does_not_prove, notes }: Printable): string {
  const lines = [ok ? 'VERIFIES' : 'DOES NOT VERIFY', statement];
  const section = (title: string, items: readonly string[]): void => {
    if (items.length > 0) lines.push('', title, ...items.map((item) => `  - ${item}`));
  };
  section(
    `What is wrong (${bad_count}), the first thing first`,
    bad.slice(0, SHOWN).map(({ code, where, message }) => `${where}: ${message} [${code}]`),
  );
  if (bad_count > SHOWN) lines.push(`  (and ${bad_count - SHOWN} more; --json lists up to 100)`);
  section('This proves', proves);
  section('This does not prove', does_not_prove);
  section('Notes', notes);
  return `${lines.join('\n')}\n`;
}
