import { createHash } from 'node:crypto';
import type { Control } from '#events';
import { isStampPath, stampPath } from '#timestamp';
import type { Findings, LogSource } from '#verify';

/** Time stamps that the ledger tells of, each to be held against the file beside the tiles: one that was deleted or exchanged is seen. */
export class StampFiles {
  readonly #told: { readonly path: string; readonly sha256: string; readonly where: string }[] = [];

  /** A control event whose bytes its leaf commits to. */
  heard({ kind, subject, attributes }: Control, where: string): void {
    if (kind !== 'timestamp.granted') return;
    const facts = new Map(attributes.map(({ name, value }) => [name, value]));
    const place = {
      size: Number(facts.get('tree_size')),
      authority: subject ?? '',
      number: Number(facts.get('number')),
      expiresAt: Date.parse(facts.get('certificate_ends') ?? ''),
    };
    const path = Number.isNaN(place.expiresAt) ? '' : pathOf(place);
    if (isStampPath(path)) this.#told.push({ path, sha256: facts.get('sha256') ?? '', where });
  }

  async check(source: LogSource, findings: Findings): Promise<void> {
    for (const { path, sha256, where } of this.#told) {
      const bytes = await source.get(path);
      if (bytes === null) findings.add('stamp_missing', path, `${where} tells of it, and it is not beside the tiles`);
      else if (createHash('sha256').update(bytes).digest('hex') !== sha256)
        findings.add('stamp_invalid', path, `it is not the stamp that ${where} tells of`);
    }
  }
}

function pathOf(place: Parameters<typeof stampPath>[0]): string {
  try {
    return stampPath(place);
  } catch {
    return '';
  }
}
