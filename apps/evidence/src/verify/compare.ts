import { placeNames } from './place-names.js';
import { readPdf, streamBytes, type PdfObject, type PdfReading } from './read-pdf.js';

export interface Difference {
  /** Page, attachment or other part. */
  readonly where: string;
  /** True when the stored bytes differ but what they say is the same (another compressor). */
  readonly encodingOnly: boolean;
}

/**
 * What differs between a file (seal zeroed) and the one rendered again from its own content. Objects are compared by number: numbering is
 * a function of the content. A part is named once.
 */
export function compareWithRendered(actual: Buffer, rendered: Buffer): Difference[] {
  if (actual.equals(rendered)) return [];
  const expected = readPdf(rendered);
  const names = placeNames(expected);
  const found = new Map<string, boolean>();
  const note = (where: string, encodingOnly: boolean): void => void found.set(where, encodingOnly && (found.get(where) ?? true));
  if (actual.length === rendered.length) sameLength(actual, expected, names, note);
  else objectByObject(readPdf(actual), expected, names, note);
  return [...found].map(([where, encodingOnly]) => ({ where, encodingOnly }));
}

type Note = (where: string, encodingOnly: boolean) => void;

function sameLength(actual: Buffer, expected: PdfReading, names: ReadonlyMap<number, string>, note: Note): void {
  const objects = [...expected.objects.values()].sort((a, b) => a.start - b.start);
  if (!actual.subarray(0, objects[0]?.start ?? 0).equals(expected.bytes.subarray(0, objects[0]?.start ?? 0))) note('file header', false);
  for (const object of objects) {
    if (actual.subarray(object.start, object.end).equals(expected.bytes.subarray(object.start, object.end))) continue;
    note(names.get(object.id) ?? `object ${object.id}`, false);
  }
  if (!actual.subarray(expected.xref).equals(expected.bytes.subarray(expected.xref))) note('cross-reference table and trailer', false);
}

function objectByObject(actual: PdfReading, expected: PdfReading, names: ReadonlyMap<number, string>, note: Note): void {
  for (const object of expected.objects.values()) {
    const other = actual.objects.get(object.id);
    const where = names.get(object.id) ?? `object ${object.id}`;
    if (other === undefined) note(where, false);
    else if (!rawObject(actual, other).equals(rawObject(expected, object))) note(where, saysTheSame(actual, other, expected, object));
  }
  for (const id of actual.objects.keys()) if (!expected.objects.has(id)) note('objects that do not belong to the packet', false);
  // Offsets move with every changed length, so the table is only compared when it is all that differs.
  if (actual.damage.length > 0) note('document structure', false);
}

const rawObject = ({ bytes }: PdfReading, { start, end }: PdfObject): Buffer => bytes.subarray(start, end);

function saysTheSame(actual: PdfReading, a: PdfObject, expected: PdfReading, b: PdfObject): boolean {
  const strip = (head: string): string => head.replace(/\/Length \d+\n/, '');
  const [left, right] = [streamBytes(actual, a), streamBytes(expected, b)];
  return strip(a.head) === strip(b.head) && left !== null && right !== null && left.equals(right);
}
