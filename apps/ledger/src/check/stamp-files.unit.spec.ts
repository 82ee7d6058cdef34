import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Control } from '#events';
import { Findings, type LogSource } from '#verify';
import { StampFiles } from './stamp-files.js';

const PATH = 'stamps/7/one-0-until-20361125T100000Z.tsr';
const stamp = Buffer.from('a stamp');

const granted = (change: Readonly<Record<string, string>> = {}): Control => ({
  envelope: {} as Control['envelope'],
  kind: 'timestamp.granted',
  outcome: 'success',
  subject: 'one',
  attributes: Object.entries({
    tree_size: '7',
    number: '0',
    certificate_ends: '2036-11-25T10:00:00.000Z',
    sha256: createHash('sha256').update(stamp).digest('hex'),
    ...change,
  }).map(([name, value]) => ({ name, value })),
  detail: null,
});

async function found(events: readonly Control[], files: Readonly<Record<string, Buffer>>): Promise<string[]> {
  const stamps = new StampFiles();
  for (const event of events) stamps.heard(event, 'ledger.events ledger seq 3');
  const findings = new Findings();
  const source: LogSource = { name: 'log', get: (path) => files[path] ?? null };
  await stamps.check(source, findings);
  return findings.list.map(({ code, where }) => `${code} ${where}`);
}

describe('time stamps that the ledger tells of', () => {
  it('are beside the tiles, byte for byte', async () => {
    expect(await found([granted()], { [PATH]: stamp })).toEqual([]);
  });

  it('that were deleted or exchanged are named', async () => {
    expect(await found([granted()], {})).toEqual([`stamp_missing ${PATH}`]);
    expect(await found([granted()], { [PATH]: Buffer.from('another') })).toEqual([`stamp_invalid ${PATH}`]);
  });

  it('whose event names no place are passed over: no path is made of hostile words', async () => {
    const hostile: Record<string, string>[] = [{ certificate_ends: 'soon' }, { tree_size: '-1' }, { number: '../..' }];
    expect(
      await found(
        hostile.map((one) => granted(one)),
        {},
      ),
    ).toEqual([]);
  });
});
