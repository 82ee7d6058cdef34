import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAffiantError } from '#errors';
import type { Signer } from '#signing';
import { checkNote, cosign, formatTreeHead, isQuorum, parseTrustPolicy, readNote, signCheckpoint } from './index.js';
import { signerOf } from '../../signing/src/memory-signer.fixture.js';

const invalid = expect.objectContaining({ code: 'note_invalid' });
const log = signerOf('affiant.example/ledger');
const successor = signerOf('affiant.example/ledger');
const foreign = signerOf('other.example/log');
const w = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => signerOf(`witness.example/${name}`));
const head = { origin: log.name, size: 5, root: Buffer.alloc(32, 7) };

async function noteBy(logs: readonly Signer[], witnesses: readonly Signer[]): Promise<string> {
  let note = await signCheckpoint(head, logs);
  for (const [index, witness] of witnesses.entries()) note += await cosign(formatTreeHead(head), witness, 1_700_000_000 + index);
  return note;
}

const twoOfThree = `
# a comment
log ${log.vkey} https://ledger.example/
witness A ${w[0]!.cosignerVkey} https://a.example/
\twitness  B\t${w[1]!.cosignerVkey}
witness C ${w[2]!.cosignerVkey}
group three 2 A B C
quorum three
`;

describe('trust policy', () => {
  it('reads logs, witnesses, groups and quorum', () => {
    const policy = parseTrustPolicy(Buffer.from(twoOfThree));
    expect(policy.logs.map(({ name, url }) => [name, url])).toEqual([[log.name, 'https://ledger.example/']]);
    expect(policy.witnesses.map(({ name, url }) => [name, url])).toEqual([
      ['A', 'https://a.example/'],
      ['B', null],
      ['C', null],
    ]);
    expect(policy.groups).toEqual([{ name: 'three', threshold: 2, members: ['A', 'B', 'C'] }]);
    expect(policy.quorum).toBe('three');
  });

  it('accepts what a log key and the quorum have signed, and says who', async () => {
    const checked = checkNote(parseTrustPolicy(twoOfThree), await noteBy([log], [w[0]!, w[2]!, w[4]!]));
    expect(checked.head).toEqual(head);
    expect(checked.logSigners.map(({ name }) => name)).toEqual([log.name]);
    expect(checked.witnesses).toEqual([
      { name: 'A', timestamp: 1_700_000_000 },
      { name: 'C', timestamp: 1_700_000_001 },
    ]);
    expect(checked.quorumMet).toBe(true);
  });

  it('refuses less than the quorum, which readNote only tells', async () => {
    const policy = parseTrustPolicy(twoOfThree);
    const note = await noteBy([log], [w[1]!]);
    expect(() => checkNote(policy, note)).toThrow(expect.objectContaining({ code: 'quorum_unmet' }));
    expect(readNote(policy, note)).toMatchObject({ quorumMet: false, witnesses: [{ name: 'B' }] });
  });

  it('counts a witness once, however often it signs', async () => {
    const line = await cosign(formatTreeHead(head), w[0]!, 1_700_000_099);
    const note = (await noteBy([log], [w[0]!])) + line;
    expect(readNote(parseTrustPolicy(twoOfThree), note)).toMatchObject({ quorumMet: false, witnesses: [{ timestamp: 1_700_000_000 }] });
  });

  it('refuses a note that no log key of the policy has signed', async () => {
    const policy = parseTrustPolicy(twoOfThree);
    expect(() => checkNote(policy, Buffer.from('x'))).toThrow(invalid);
    const bySuccessor = await noteBy([successor], [w[0]!, w[1]!]);
    expect(() => checkNote(policy, bySuccessor)).toThrow(invalid);
    const byForeign = await noteBy([foreign], [w[0]!, w[1]!]);
    expect(() => checkNote(policy, byForeign)).toThrow(invalid);
    // A trusted key of another origin does not speak for this log.
    expect(() => checkNote(parseTrustPolicy(`log ${foreign.vkey}\nquorum none`), byForeign)).toThrow(invalid);
    expect(() => checkNote(parseTrustPolicy('quorum none'), byForeign)).toThrow(invalid);
  });

  it('refuses a note on which a witness of the policy has a bad cosignature', async () => {
    const other = await cosign(formatTreeHead({ ...head, size: 6 }), w[2]!, 1_700_000_000);
    const note = (await noteBy([log], [w[0]!, w[1]!])) + other;
    expect(() => checkNote(parseTrustPolicy(twoOfThree), note)).toThrow(invalid);
  });

  it('takes either key of a log that is rotated by overlap', async () => {
    const policy = parseTrustPolicy(`log ${log.vkey}\nlog ${successor.vkey}\nquorum none\n`);
    for (const keys of [[log], [successor], [log, successor]]) {
      expect(checkNote(policy, await noteBy(keys, [])).logSigners.map(({ keyId }) => keyId)).toHaveLength(keys.length);
    }
  });

  it('takes a single witness or `none` as the quorum', async () => {
    const one = parseTrustPolicy(`log ${log.vkey}\nwitness A ${w[0]!.cosignerVkey}\nquorum A`);
    expect(checkNote(one, await noteBy([log], [w[0]!])).quorumMet).toBe(true);
    const note = await noteBy([log], []);
    expect(() => checkNote(one, note)).toThrow(expect.objectContaining({ code: 'quorum_unmet' }));
    expect(checkNote(parseTrustPolicy(`log ${log.vkey}\nquorum none`), note).quorumMet).toBe(true);
  });

  const vkey = w[0]!.cosignerVkey;
  it.each([
    ['keyword', 1, 'logs x'],
    ['log without key', 1, 'log'],
    ['log with a cosigner key', 1, `log ${vkey}`],
    ['witness with a log key', 1, `witness A ${log.vkey}`],
    ['ML-DSA-44 key', 1, `witness A w+00000000+Bg==`],
    ['too many fields', 2, `quorum none\nlog ${log.vkey} u v`],
    ['same log key twice', 2, `log ${log.vkey}\nlog ${log.vkey}`],
    ['same witness key twice', 2, `witness A ${vkey}\nwitness B ${vkey}`],
    ['name twice', 2, `witness A ${vkey}\nwitness A ${w[1]!.cosignerVkey}`],
    ['name none', 1, `witness none ${vkey}`],
    ['group of nobody', 1, 'group g all'],
    ['group before its member', 1, `group g all A\nwitness A ${vkey}`],
    ['member none', 1, 'group g 1 none'],
    ['member of two groups', 3, `witness A ${vkey}\ngroup g all A\ngroup h all A`],
    ['member listed twice', 2, `witness A ${vkey}\ngroup g 1 A A`],
    ['threshold 0', 2, `witness A ${vkey}\ngroup g 0 A`],
    ['threshold above n', 2, `witness A ${vkey}\ngroup g 2 A`],
    ['threshold 01', 2, `witness A ${vkey}\ngroup g 01 A`],
    ['quorum unknown', 1, 'quorum A'],
    ['quorum twice', 3, '\nquorum none\nquorum none'],
    ['carriage return', 1, 'quorum none\r\n'],
    ['control character', 1, '# \u0000'],
  ])('refuses %s, naming line %d', (_, line, text) => {
    expect(() => parseTrustPolicy(text)).toThrow(expect.objectContaining({ code: 'config_invalid', where: `line ${line}` }));
  });

  it('refuses a text without a quorum line, too large a text, and bytes that are not UTF-8', () => {
    for (const text of ['', `log ${log.vkey}`, `#${'x'.repeat(1_000_000)}`, Buffer.of(0x23, 0xff)]) {
      expect(() => parseTrustPolicy(text)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    }
  });

  it('parses anything to a policy or a typed error', () => {
    const words = fc.constantFrom(
      'log',
      'witness',
      'group',
      'quorum',
      'none',
      'any',
      'all',
      '1',
      'A',
      'B',
      vkey,
      log.vkey,
      '#',
      '\t',
      '\n',
      ' ',
      '',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(words).map((list) => list.join(' ')),
        ),
        (text) => {
          try {
            return parseTrustPolicy(text).quorum !== undefined;
          } catch (error) {
            return isAffiantError(error) && error.code === 'config_invalid';
          }
        },
      ),
    );
  });

  it('decides the quorum of nested groups as counting does', () => {
    const names = ['A', 'B', 'C', 'D', 'E', 'F'];
    const lines = names.map((name, index) => `witness ${name} ${w[index]!.cosignerVkey}`).join('\n');
    const count = fc.integer({ min: 1, max: 3 });
    fc.assert(
      fc.property(count, count, fc.constantFrom('any', 'all'), fc.subarray(names), (x, y, both, signed) => {
        const policy = parseTrustPolicy(`${lines}\ngroup X ${x} A B C\ngroup Y ${y} D E F\ngroup Z ${both} X Y\nquorum Z`);
        const has = (list: string): number => [...list].filter((name) => signed.includes(name)).length;
        const [first, second] = [has('ABC') >= x, has('DEF') >= y];
        return isQuorum(policy, new Set(signed)) === (both === 'any' ? first || second : first && second);
      }),
    );
  });
});
