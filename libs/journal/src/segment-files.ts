import { close, constants, fdatasync, open as openFile, writev } from 'node:fs';
import { promisify } from 'node:util';
import { createFileDurably, removeFileDurably, writeFileDurably } from '#durable';

/** A segment that is being written. */
export interface SegmentFile {
  /** Appends all bytes; when it resolves they are on stable storage. After a rejection any prefix of them may be there. */
  append(parts: readonly Buffer[]): Promise<void>;
  close(): Promise<void>;
}

/** Port: what the journal's writer asks of the file system; tests put failing disks here. */
export interface SegmentFiles {
  /** Creates a segment with its header, durably. False when the file was there before. */
  create(path: string, header: Buffer): Promise<boolean>;
  /** The same, in place of a segment that never got a record. */
  replace(path: string, header: Buffer): Promise<void>;
  open(path: string): Promise<SegmentFile>;
  remove(path: string): Promise<void>;
}

const openFd = promisify(openFile);
const closeFd = promisify(close);

/**
 * O_DSYNC: every write returns as write followed by fdatasync would (open(2)), in one trip through the thread pool instead of two.
 * Measured here with 64 writers of 1 KiB: 3.9 µs of CPU per append against 4.4 µs. Where the flag is missing, fdatasync is called.
 */
const DSYNC: number | undefined = constants.O_DSYNC;

export const localSegmentFiles: SegmentFiles = {
  create: (path, header) => createFileDurably(path, header),
  replace: (path, header) => writeFileDurably(path, header),
  async open(path) {
    const fd = await openFd(path, constants.O_WRONLY | constants.O_APPEND | (DSYNC ?? 0));
    return { append: (parts) => appendDurably(fd, parts), close: () => closeFd(fd) };
  },
  remove: (path) => removeFileDurably(path),
};

function appendDurably(fd: number, parts: readonly Buffer[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error: Error | null): void => (error === null ? resolve() : reject(error));
    const step = (rest: readonly Buffer[]): void => {
      writev(fd, rest, (error, written) => {
        if (error !== null) return reject(error);
        const unwritten = after(rest, written);
        if (unwritten.length === 0) return DSYNC === undefined ? fdatasync(fd, finish) : resolve();
        if (written === 0) return reject(new Error('the file system took no bytes'));
        step(unwritten);
      });
    };
    step(parts);
  });
}

/** What is left of `parts` after a write that took only `written` bytes of them (a nearly full disk, a signal). */
export function after(parts: readonly Buffer[], written: number): Buffer[] {
  let skip = written;
  const rest: Buffer[] = [];
  for (const part of parts) {
    if (skip >= part.length) skip -= part.length;
    else {
      rest.push(skip === 0 ? part : part.subarray(skip));
      skip = 0;
    }
  }
  return rest;
}
