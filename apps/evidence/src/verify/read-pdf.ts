import { inflateSync } from 'node:zlib';

/** What one attachment may inflate to. */
const MAX_ATTACHMENT = 256 * 1024 * 1024;
const MAX_OBJECTS = 500_000;
const MAX_ATTACHMENTS = 1_000;

export interface PdfObject {
  readonly id: number;
  /** Offsets in the file: from the number of the object to behind `endobj` and its line end. */
  readonly start: number;
  readonly end: number;
  /** Text of the value before a stream. */
  readonly head: string;
  /** Bytes of the stream as stored; null when there is none. */
  readonly stream: { readonly start: number; readonly end: number } | null;
}

export interface PdfReading {
  readonly bytes: Buffer;
  readonly objects: ReadonlyMap<number, PdfObject>;
  /** Offset of `xref`; the length of the file when there is none. */
  readonly xref: number;
  /** Places that are not in the form our program writes. */
  readonly damage: readonly { readonly at: number; readonly message: string }[];
}

/**
 * Reads the one form of PDF our page program writes: numbered objects one after another, plain cross-reference table, no object streams,
 * no incremental updates. Linear in the file and without recursion, so that a hostile file costs no more than reading it; anything else
 * than that form is damage. It does not use the cross-reference table, so damage there cannot hide an object.
 */
export function readPdf(bytes: Buffer): PdfReading {
  const text = bytes.toString('latin1');
  const objects = new Map<number, PdfObject>();
  const damage: { at: number; message: string }[] = [];
  const header = '%PDF-1.7\n%\xff\xff\xff\xff\n';
  if (!text.startsWith(header)) damage.push({ at: 0, message: 'the file header is not ours' });
  let at = Math.min(header.length, text.length);
  while (at < text.length && !text.startsWith('xref\n', at) && objects.size < MAX_OBJECTS) {
    const object = readObject(text, at);
    if (object !== null && !objects.has(object.id)) {
      objects.set(object.id, object);
      at = object.end;
      continue;
    }
    damage.push({ at, message: object === null ? 'an object is malformed' : `object ${object.id} is there twice` });
    if (damage.length > 100) break;
    const next = nextBoundary(text, at + 1);
    if (next === null) {
      at = text.length;
      break;
    }
    at = next;
  }
  return { bytes, objects, xref: at, damage };
}

const HEAD = /(\d{1,7}) 0 obj\n/y;

function readObject(text: string, start: number): PdfObject | null {
  HEAD.lastIndex = start;
  const match = HEAD.exec(text);
  if (match === null) return null;
  const value = HEAD.lastIndex;
  const close = text.indexOf('\nendobj\n', value - 1);
  if (close < 0) return null;
  const id = Number(match[1]);
  const body = text.slice(value, close);
  const stream = body.indexOf('\nstream\n');
  if (stream < 0) return { id, start, end: close + '\nendobj\n'.length, head: body, stream: null };
  const head = body.slice(0, stream);
  const length = /\/Length (\d{1,10})\n/.exec(head);
  const from = value + stream + '\nstream\n'.length;
  const to = from + Number(length?.[1] ?? NaN);
  const tail = '\nendstream\nendobj\n';
  return text.startsWith(tail, to) ? { id, start, end: to + tail.length, head, stream: { start: from, end: to } } : null;
}

/** Start of the next object, or of the cross-reference table. */
function nextBoundary(text: string, from: number): number | null {
  const next = /\n(?=\d{1,7} 0 obj\n|xref\n)/g;
  next.lastIndex = from;
  const match = next.exec(text);
  return match === null ? null : match.index + 1;
}

export function streamBytes({ bytes }: PdfReading, object: PdfObject): Buffer | null {
  if (object.stream === null) return null;
  const stored = bytes.subarray(object.stream.start, object.stream.end);
  if (!object.head.includes('/Filter /FlateDecode')) return stored;
  try {
    return inflateSync(stored, { maxOutputLength: MAX_ATTACHMENT });
  } catch {
    return null;
  }
}

export interface AttachedFile {
  readonly name: string;
  /** Null when its content cannot be read. */
  readonly data: Buffer | null;
  readonly spec: number;
  readonly object: number | null;
}

/** Every file specification with its content, in the order of the file. */
export function attachedFiles(pdf: PdfReading): AttachedFile[] {
  const files: AttachedFile[] = [];
  for (const object of pdf.objects.values()) {
    if (files.length >= MAX_ATTACHMENTS || !object.head.includes('/Type /Filespec')) continue;
    const name = /\/UF \(([^()\\]{1,200})\)/.exec(object.head)?.[1];
    const target = /\/EF <<\n\/F (\d{1,7}) 0 R/.exec(object.head)?.[1];
    if (name === undefined) continue;
    const content = target === undefined ? undefined : pdf.objects.get(Number(target));
    files.push({ name, data: content === undefined ? null : streamBytes(pdf, content), spec: object.id, object: content?.id ?? null });
  }
  return files;
}

/** Text entries of the Info dictionary: key -> object and value. */
export function infoEntries(pdf: PdfReading): ReadonlyMap<string, { readonly object: number; readonly value: string }> {
  const entries = new Map<string, { object: number; value: string }>();
  for (const object of pdf.objects.values()) {
    if (!object.head.includes('/AffiantSeal ')) continue;
    for (const [, key, id] of object.head.matchAll(/\/(\w{1,40}) (\d{1,7}) 0 R/g)) {
      const value = /^\(([^()\\]*)\)$/.exec(pdf.objects.get(Number(id))?.head ?? '')?.[1] ?? '';
      entries.set(String(key), { object: Number(id), value });
    }
  }
  return entries;
}
