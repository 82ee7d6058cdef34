import type { Control } from '#events';
import { Findings } from '#verify';
import { describe, expect, it } from 'vitest';
import { MissingEvents } from './missing-events.js';
import { SealedLeaves } from './sealed-leaves.js';
import { Testimony } from './testimony.js';

const ROOT = 'ab'.repeat(32);

/** Leaves 0 to 3: seq 1, 2, 5, 6 of `gateway`, the last two of its second life; 3 and 4 never came. */
function world(): { sealed: SealedLeaves; findings: Findings; testimony: Testimony } {
  const sealed = new SealedLeaves();
  [1, 2, 5, 6].forEach((seq, index) =>
    sealed.add(
      {
        type: 'request',
        source_id: 'gateway',
        boot_epoch: seq < 5 ? 1 : 2,
        seq,
        occurred_at: Date.UTC(2025, 7, 3) * 1000,
        schema_sha256: Buffer.alloc(32),
        payload_hash: Buffer.alloc(32, seq),
        prev_hash: Buffer.alloc(32),
      },
      index,
    ),
  );
  const findings = new Findings();
  const checkpoint = { round: 1, tree_size: 3, root_hash: ROOT, note: '', sources: [], seqs: [] };
  return { sealed, findings, testimony: new Testimony(sealed, [checkpoint], findings) };
}

const control = (kind: string, subject: string, facts: Readonly<Record<string, unknown>>, detail: unknown = null): Control =>
  ({
    kind,
    subject,
    attributes: Object.entries(facts).map(([name, value]) => ({ name, value: String(value) })),
    detail: detail === null ? null : JSON.stringify(detail),
  }) as unknown as Control;

const frontier = (seq: number, fill = seq, size = 3): Control =>
  control('ledger.frontier', 'log', { tree_size: size, root_hash: ROOT }, [
    { source: 'gateway', seq, head: Buffer.alloc(32, fill).toString('hex') },
  ]);

describe('what the ledger says of itself', () => {
  it('holds when the tree says the same', () => {
    const { testimony, findings } = world();
    testimony.check(frontier(5), 'here');
    testimony.check(control('ledger.gap', 'gateway', { from: 3, to: 4, tree_size: 3 }), 'here');
    testimony.check(control('ledger.gap_closed', 'gateway', { from: 1, to: 2, tree_size: 2 }), 'here');
    testimony.check(control('epoch.opened', 'gateway', { epoch: 1, first: 1, tree_size: 3 }), 'here');
    // An own source's life may begin and end with checkpoints, which are no leaves.
    testimony.check(control('epoch.closed', 'gateway', { epoch: 1, first: 1, last: 4, tree_size: 4 }), 'here');
    testimony.check(control('epoch.opened', 'gateway', { epoch: 2, first: 4, tree_size: 3 }), 'here');
    testimony.check(control('epoch.closed', 'gateway', { epoch: 2, first: 5, last: 5, tree_size: 3 }), 'here');
    testimony.check(control('epoch.closed', 'gateway', { epoch: 9, first: 3, last: 4, tree_size: 3 }), 'here');
    testimony.check(control('exchange.aborted', 'x', { source: 'gateway', request: 2, tree_size: 3 }), 'here');
    expect(findings.list).toEqual([]);
  });

  it.each([
    ['an epoch that began earlier', control('epoch.opened', 'gateway', { epoch: 2, first: 6, tree_size: 4 })],
    ['an epoch that began later', control('epoch.opened', 'gateway', { epoch: 2, first: 2, tree_size: 4 })],
    ['an epoch there was not', control('epoch.opened', 'gateway', { epoch: 3, first: 6, tree_size: 4 })],
    ['an epoch that went on', control('epoch.closed', 'gateway', { epoch: 1, first: 1, last: 1, tree_size: 3 })],
    ['an epoch that ended before', control('epoch.closed', 'gateway', { epoch: 1, first: 1, last: 5, tree_size: 4 })],
    ['a request sealed later', control('exchange.aborted', 'x', { source: 'gateway', request: 6, tree_size: 3 })],
    ['a request that is none', control('exchange.aborted', 'x', { source: 'gateway', request: 3, tree_size: 4 })],
    ['a response that is a request', control('exchange.answered', 'x', { source: 'gateway', response: 2, tree_size: 4 })],
    ['a frontier too far', frontier(6)],
    ['a frontier not far enough', frontier(2)],
    ['another head', frontier(5, 9)],
    ['a tree no checkpoint is of', frontier(6, 6, 4)],
    ['a gap that was none', control('ledger.gap', 'gateway', { from: 2, to: 4, tree_size: 3 })],
    ['a gap closed before it was', control('ledger.gap_closed', 'gateway', { from: 5, to: 6, tree_size: 3 })],
  ])('names %s', (_, event) => {
    const { testimony, findings } = world();
    testimony.check(event, 'here');
    expect(findings.list.map(({ code, where }) => `${code} ${where}`)).toEqual(['frontier_untrue here']);
  });
});

describe('events that are not there', () => {
  it('are a finding, unless the ledger recorded that it dropped them', () => {
    const { sealed } = world();
    const tell = (...heard: Control[]): { found: string[]; notes: number } => {
      const findings = new Findings();
      const missing = new MissingEvents();
      missing.add('gateway', sealed.sources.get('gateway')!, 1);
      missing.add('gateway', sealed.sources.get('gateway')!, 2);
      for (const one of heard) missing.heard(one);
      const notes = missing.tell(findings).length;
      return { found: findings.list.map(({ code, where }) => `${code} ${where}`), notes };
    };
    const dropped = (partition: string, one: string): Control => control('retention.dropped', 'x', { partition, class: one });
    expect(tell()).toEqual({ found: ['event_missing ledger.events gateway seq 2'], notes: 0 });
    expect(tell(dropped('202508', 'content'))).toEqual({ found: [], notes: 1 });
    expect(tell(dropped('202507', 'content'), dropped('202508', 'decisions')).found).toHaveLength(1);
  });
});
