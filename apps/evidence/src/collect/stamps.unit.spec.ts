import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RootBuilder, verifyConsistency } from '#tlog';
import { LeafHashes } from './leaf-hashes.js';
import type { QueryRunner } from './query-runner.js';
import { citeStamps } from './stamps.js';

const LEAVES = Array.from({ length: 20 }, (_, index) => createHash('sha256').update(`leaf ${index}`).digest());
const hashes = new LeafHashes(Buffer.concat(LEAVES));

function rootOf(size: number): Buffer {
  const builder = new RootBuilder();
  for (const leaf of LEAVES.slice(0, size)) builder.append(leaf);
  return builder.root();
}

const noteOf = (size: number): string => `log.test/a\n${size}\n${rootOf(size).toString('base64')}\n\n\u2014 log.test/a AAAAAAAA\n`;

function runnerOf(rows: readonly (readonly [string, number, number])[]): QueryRunner {
  const cells = rows.map(([authority, size, number]) => [
    authority,
    String(size),
    String(number),
    '2026-11-25T10:00:00.000Z',
    `CN=${authority}`,
    '2036-11-25T10:00:00.000Z',
    noteOf(size),
    Buffer.from(`${authority} ${size} ${number}`).toString('base64'),
    'pem\n',
  ]);
  return { run: async () => ({ columns: [], rows: cells }) as never, bytes: () => (async function* () {})() };
}

describe('the time stamps of a packet', () => {
  it('are the newest of each authority with their renewals, with the proof that the tree extends what they cover', async () => {
    const told = [
      ['one', 13, 1],
      ['one', 13, 0],
      ['two', 12, 0],
      ['one', 5, 0],
    ] as const;
    const { stamps, exhibits } = await citeStamps(runnerOf(told), 20, hashes);
    expect(stamps.map(({ file, tree_size }) => `${file} ${tree_size}`)).toEqual([
      'stamps/one-0.tsr 13',
      'stamps/one-1.tsr 13',
      'stamps/two-0.tsr 12',
    ]);
    expect(exhibits.map(({ entry }) => entry.name)).toEqual([
      'stamps/12-to-20.consistency',
      'stamps/13-to-20.consistency',
      'stamps/checkpoint-12.note',
      'stamps/checkpoint-13.note',
      'stamps/one-0.pem',
      'stamps/one-0.tsr',
      'stamps/one-1.pem',
      'stamps/one-1.tsr',
      'stamps/two-0.pem',
      'stamps/two-0.tsr',
    ]);
    const dataOf = (name: string): Buffer => exhibits.find(({ entry }) => entry.name === name)!.data;
    expect(dataOf('stamps/one-1.tsr').toString()).toBe('one 13 1');
    const proof = dataOf('stamps/13-to-20.consistency').toString().trimEnd().split('\n');
    verifyConsistency(
      13,
      20,
      proof.map((line) => Buffer.from(line, 'base64')),
      rootOf(13),
      rootOf(20),
    );
  });

  it('are none where nobody stamped', async () => {
    expect(await citeStamps(runnerOf([]), 20, hashes)).toEqual({ stamps: [], exhibits: [] });
  });

  it('have a proof between any two sizes', () => {
    for (let size = 1; size <= LEAVES.length; size += 1) {
      const tree = new LeafHashes(Buffer.concat(LEAVES.slice(0, size)));
      for (let first = 0; first <= size; first += 1)
        verifyConsistency(first, size, tree.consistencyProof(first), rootOf(first), rootOf(size));
      expect(() => tree.consistencyProof(size + 1)).toThrow(expect.objectContaining({ code: 'not_found' }));
    }
  });
});
