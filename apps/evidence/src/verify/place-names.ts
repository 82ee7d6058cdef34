import { attachedFiles, infoEntries, type PdfReading } from './read-pdf.js';

/** Object number -> what a person would call it, for a file our program has just written. */
export function placeNames(pdf: PdfReading): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  const pages = pageOrder(pdf);
  for (const [index, id] of pages.entries()) {
    const head = pdf.objects.get(id)?.head ?? '';
    const page = `page ${index + 1}`;
    names.set(id, page);
    for (const key of ['Contents', 'Resources']) {
      const target = new RegExp(`/${key} (\\d+) 0 R`).exec(head)?.[1];
      if (target !== undefined) names.set(Number(target), page);
    }
  }
  for (const file of attachedFiles(pdf)) {
    names.set(file.spec, `attachment ${file.name}`);
    if (file.object !== null) names.set(file.object, `attachment ${file.name}`);
  }
  for (const [key, { object }] of infoEntries(pdf)) names.set(object, key === 'AffiantSeal' ? 'seal' : `document information ${key}`);
  for (const object of pdf.objects.values()) {
    if (names.has(object.id)) continue;
    names.set(object.id, kindOf(object.head, pages));
  }
  return names;
}

function pageOrder(pdf: PdfReading): number[] {
  for (const object of pdf.objects.values()) {
    if (!/\/Type \/Pages\n/.test(object.head)) continue;
    const kids = /\/Kids \[([^\]]*)\]/.exec(object.head)?.[1] ?? '';
    return [...kids.matchAll(/(\d+) 0 R/g)].map((match) => Number(match[1]));
  }
  return [];
}

function kindOf(head: string, pages: readonly number[]): string {
  const page = /\/Pg (\d+) 0 R/.exec(head)?.[1];
  if (head.startsWith('<<\n/S /')) {
    const number = page === undefined ? -1 : pages.indexOf(Number(page));
    return number < 0 ? 'structure tree' : `structure of page ${number + 1}`;
  }
  if (/\/Type \/Metadata\n/.test(head)) return 'document metadata (XMP)';
  if (/\/Type \/Font|\/Length1 |\/CIDSystemInfo/.test(head)) return 'fonts';
  if (head.includes('/AffiantSeal ')) return 'document information';
  if (/\/Type \/StructTreeRoot/.test(head)) return 'structure tree';
  if (/\/(Title|First|Last) /.test(head) && head.includes('/Parent ')) return 'bookmarks';
  return 'document structure';
}
