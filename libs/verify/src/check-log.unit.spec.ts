import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkLog, checkRange, DirectorySource, policyOfVkey, rangeOfTimes, readPolicyFile, type LogReport } from './index.js';
import { LeafMaker, logSigner, makeLog, seeded, type MadeLog } from './testing/make-log.js';

const ENTRY = 189;
let root: string;
let log: MadeLog;
let copies = 0;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'verify-'));
  log = await makeLog(join(root, 'log'), [5, 300, 1, 470], new LeafMaker(seeded(7)));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const check = (directory: string, since: readonly string[] = []): Promise<LogReport> =>
  checkLog(new DirectorySource(directory), {
    policy: policyOfVkey(log.signer.vkey),
    since: since.map((note, index) => ({ name: `note ${index}`, note })),
  });

function copy(): string {
  const directory = join(root, `copy-${(copies += 1)}`);
  cpSync(log.directory, directory, { recursive: true });
  return directory;
}

async function afterChange(path: string, change: (bytes: Buffer) => Buffer): Promise<LogReport> {
  const directory = copy();
  writeFileSync(join(directory, path), change(readFileSync(join(directory, path))));
  const report = await check(directory);
  rmSync(directory, { recursive: true });
  return report;
}

const flip = (at: number) => (bytes: Buffer) => {
  bytes[at] = bytes[at]! ^ 1;
  return bytes;
};
const told = ({ findings }: LogReport): string[] => findings.map(({ code, where }) => `${code} ${where}`);

describe('a whole log', () => {
  it('passes untouched, with every earlier checkpoint', async () => {
    const report = await check(log.directory, log.notes);
    expect(report.findings).toEqual([]);
    expect(report.ok).toBe(true);
    expect(report.checkpoint?.size).toBe(776);
    expect(report.sources.map(({ source }) => source)).toEqual(['gateway-1', 'gateway-2', 'ledger']);
    expect(report.sources.reduce((sum, { leaves }) => sum + leaves, 0)).toBe(776);
    expect(report.does_not_prove.join(' ')).toContain('never handed to the log');
  });

  it('names an altered leaf, wherever it is', async () => {
    expect(told(await afterChange('tile/entries/001', flip(17 * ENTRY + 50)))).toEqual(['leaf_altered leaf 273']);
    expect(told(await afterChange('tile/entries/003.p/8', flip(2 * ENTRY + 100)))).toEqual(['leaf_altered leaf 770']);
    expect(told(await afterChange('tile/entries/002', flip(3 * ENTRY)))).toEqual(['bundle_malformed tile/entries/002']);
  });

  it('names an altered tile of each level, and earlier partial ones', async () => {
    const files = walk(log.directory);
    expect(files.some((path) => path.includes('.p/'))).toBe(true);
    for (const path of files.filter((one) => /^tile\/\d/.test(one))) {
      const report = await afterChange(path, flip(statSync(join(log.directory, path)).size - 3));
      expect(told(report), path).toEqual([`tile_altered ${path}`]);
    }
  });

  it('names what is missing, cut or swapped', async () => {
    const directory = copy();
    rmSync(join(directory, 'tile/entries/001'));
    rmSync(join(directory, 'tile/0/002'));
    expect(told(await check(directory))).toEqual(['bundle_missing tile/entries/001', 'tile_missing tile/0/002']);
    expect(told(await afterChange('tile/entries/000', (bytes) => bytes.subarray(0, 1000)))).toEqual(['bundle_malformed tile/entries/000']);
    const swapped = await afterChange('tile/entries/000', (bytes) => {
      const [a, b] = [Buffer.from(bytes.subarray(0, ENTRY)), Buffer.from(bytes.subarray(ENTRY, 2 * ENTRY))];
      b.copy(bytes, 0);
      a.copy(bytes, ENTRY);
      return bytes;
    });
    expect(told(swapped)).toEqual(['leaf_altered leaf 0', 'leaf_altered leaf 1']);
  });

  it('names an old checkpoint, a fork, another key', async () => {
    const rolledBack = copy();
    writeFileSync(join(rolledBack, 'checkpoint'), log.notes[1]!);
    expect(told(await check(rolledBack, [log.notes[3]!]))).toEqual(['checkpoint_rolled_back checkpoint']);
    const fork = await makeLog(join(root, 'fork'), [5, 300, 1, 470], new LeafMaker(seeded(8)), log.signer);
    expect(told(await check(fork.directory, [log.notes[2]!]))).toEqual(['checkpoint_forked checkpoint']);
    expect(told(await check(fork.directory, [log.notes[3]!]))).toEqual(['checkpoint_forked checkpoint']);
    const other = await checkLog(new DirectorySource(log.directory), { policy: policyOfVkey(logSigner().vkey) });
    expect(told(other)).toEqual(['checkpoint_invalid checkpoint']);
    expect(told(await afterChange('checkpoint', flip(30)))[0]).toMatch(/^checkpoint_invalid checkpoint$/);
    const rewritten = copy();
    writeFileSync(join(rewritten, 'checkpoint'), fork.notes[3]!);
    expect((await check(rewritten)).findings[0]).toMatchObject({ code: 'tree_differs', where: 'checkpoint' });
  });

  it('names a leaf whose whole path of tiles was rewritten with it', async () => {
    const directory = copy();
    const other = await makeLog(join(root, 'other'), [776], new LeafMaker(seeded(9)), log.signer);
    for (const path of ['tile/entries/001', 'tile/0/001']) cpSync(join(other.directory, path), join(directory, path));
    expect(told(await check(directory))[0]).toBe('leaf_altered leaves 256 to 511');
  });
});

describe('chains that the key itself signed wrongly', () => {
  const made = async (change: (leaves: Buffer[]) => Buffer[]): Promise<string[]> => {
    const maker = new LeafMaker(seeded(3), 1, 0);
    const leaves = change(Array.from({ length: 20 }, () => maker.next()));
    const directory = join(root, `chain-${(copies += 1)}`);
    const list = { next: () => leaves.shift()! } as LeafMaker;
    await makeLog(directory, [leaves.length], list, log.signer);
    return told(await check(directory));
  };

  it('names repeats, disorder and broken links', async () => {
    expect(await made((leaves) => leaves)).toEqual([]);
    expect(await made((leaves) => leaves.toSpliced(7, 0, leaves[6]!))).toEqual(['seq_repeated leaf 7']);
    expect((await made((leaves) => leaves.toSpliced(4, 2, leaves[5]!, leaves[4]!)))[0]).toBe('seq_disordered leaf 5');
    expect(await made((leaves) => leaves.with(9, flip(95)(Buffer.from(leaves[9]!))))).toEqual(['chain_broken leaf 9']);
    expect(await made((leaves) => leaves.with(3, flip(17)(Buffer.from(leaves[3]!))))).not.toEqual([]);
    expect(await made((leaves) => leaves.with(2, flip(0)(Buffer.from(leaves[2]!))))).toEqual(['leaf_malformed leaf 2']);
    expect(await made((leaves) => leaves.with(2, flip(170)(Buffer.from(leaves[2]!))))).toEqual(['leaf_malformed leaf 2']);
  });
});

describe('a range', () => {
  const range = (directory: string, from: number, to: number): Promise<LogReport> =>
    checkRange(new DirectorySource(directory), { from, to }, { policy: policyOfVkey(log.signer.vkey) });

  it('is checked by its leaves and the tiles over them alone', async () => {
    const report = await range(log.directory, 250, 520);
    expect(report.findings).toEqual([]);
    expect(report.does_not_prove.join(' ')).toContain('leaves outside 250 to 519');
    const directory = copy();
    writeFileSync(join(directory, 'tile/entries/001'), flip(17 * ENTRY + 50)(readFileSync(join(directory, 'tile/entries/001'))));
    expect(told(await range(directory, 250, 520))).toEqual(['leaf_altered leaf 273']);
    expect((await range(directory, 274, 520)).ok).toBe(true);
    writeFileSync(join(directory, 'tile/0/002'), flip(17)(readFileSync(join(directory, 'tile/0/002'))));
    expect(told(await range(directory, 512, 520))).toEqual(['tile_altered tile/0/002']);
    await expect(range(directory, 700, 900)).rejects.toMatchObject({ code: 'usage_invalid' });
  });

  it('finds the leaves of a time', async () => {
    const source = new DirectorySource(log.directory);
    expect(await rangeOfTimes(source, log.size, 1_790_000_000_000_000 + 37 * 101, 1_790_000_000_000_000 + 37 * 301)).toEqual({
      from: 100,
      to: 300,
    });
    expect(await rangeOfTimes(source, log.size, 0, 5)).toBeNull();
  });
});

describe('the policy file', () => {
  it('is a trust policy or one key, and never nothing', () => {
    expect(readPolicyFile(`${log.signer.vkey}\n`).quorum).toBeNull();
    expect(readPolicyFile(`# mine\nlog ${log.signer.vkey} https://log.example\nquorum none\n`).logs).toHaveLength(1);
    for (const bad of ['', 'quorum none\n', 'log\nquorum none\n', 'nonsense']) expect(() => readPolicyFile(bad), bad).toThrow();
  });
});

function walk(directory: string): string[] {
  return (readdirSync(directory, { withFileTypes: true, recursive: true }) as { name: string; parentPath: string; isFile(): boolean }[])
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}
