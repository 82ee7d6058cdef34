import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileDurably, makeDirectoryDurably, readFileIfPresent, writeFileDurably } from '#durable';
import { AffiantError } from '#errors';
import { readCheckpoint, type TreeHead } from '#tlog';

/** Contradictions kept as evidence; more than a few means that nobody looks. */
const MAX_FORKS = 1_000;

/**
 * The newest checkpoint a witness has cosigned of each log: the signed note itself, one file per origin.
 * A missing file means that it has never cosigned that log, so a file must never be deleted.
 */
export class HeadStore {
  #forks = 0;

  private constructor(private readonly directory: string) {}

  static async open(directory: string): Promise<HeadStore> {
    await makeDirectoryDurably(join(directory, 'heads'));
    await makeDirectoryDurably(join(directory, 'forks'));
    // What a kill in the middle of a write left behind; nobody else writes here.
    for (const name of await readdir(join(directory, 'heads'))) if (name.startsWith('.tmp-')) await rm(join(directory, 'heads', name));
    return new HeadStore(directory);
  }

  /** Null when it has never cosigned that log. @throws AffiantError ledger_conflict when the file is damaged: nothing of that log is cosigned then. */
  async get(origin: string): Promise<TreeHead | null> {
    const path = this.#path(origin);
    const note = await readFileIfPresent(path);
    if (note === null) return null;
    const head = parse(note, path);
    if (head.origin !== origin) throw new AffiantError('ledger_conflict', 'the stored head is of another log', { where: path });
    return head;
  }

  /** Durable when it resolves. A crash inside leaves the old head or the new one; in neither case has the new one been cosigned yet. */
  async put(origin: string, note: Uint8Array): Promise<void> {
    await writeFileDurably(this.#path(origin), note);
  }

  /** Keeps a note that contradicts the head of the same size: together they prove that the log's key has signed two histories. */
  async keepFork(note: Uint8Array): Promise<void> {
    if (this.#forks >= MAX_FORKS) return;
    this.#forks += 1;
    const name = createHash('sha256').update(note).digest('hex');
    await createFileDurably(join(this.directory, 'forks', `${name}.note`), note);
  }

  /** Origins may hold slashes and more: the file is named by their digest. */
  #path(origin: string): string {
    return join(this.directory, 'heads', `${createHash('sha256').update(origin).digest('hex')}.note`);
  }
}

function parse(note: Buffer, path: string): TreeHead {
  try {
    return readCheckpoint(note);
  } catch (cause) {
    throw new AffiantError('ledger_conflict', 'the stored head is damaged', {
      where: path,
      cause,
      remedy: 'Restore it from a copy of the same moment, or retire this witness key; see docs/guide/run-a-witness.md.',
    });
  }
}
