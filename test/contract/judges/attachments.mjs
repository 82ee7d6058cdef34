import { readFileSync } from 'node:fs';
import { PDFArray, PDFDict, PDFDocument, PDFHexString, PDFName, PDFNumber, PDFString } from 'pdf-lib';

/** What veraPDF does not look at: every attachment has type, size, description, dates and a relationship, and is listed under /AF. */
export async function attachmentProblems(file) {
  const document = await PDFDocument.load(readFileSync(file), { updateMetadata: false });
  const { catalog, context } = document;
  const listed = catalog.lookupMaybe(PDFName.of('AF'), PDFArray);
  if (listed === undefined || listed.size() === 0) return ['the catalogue has no /AF'];
  const problems = [];
  for (let index = 0; index < listed.size(); index++) {
    const spec = context.lookup(listed.get(index), PDFDict);
    const name = text(spec.get(PDFName.of('UF')));
    const lack = (what) => problems.push(`${name}: no ${what}`);
    if (text(spec.get(PDFName.of('Desc'))) === '') lack('description');
    if (!['Source', 'Data', 'Supplement', 'Alternative'].includes(spec.get(PDFName.of('AFRelationship'))?.decodeText?.() ?? ''))
      lack('relationship');
    const stream = context.lookup(spec.lookup(PDFName.of('EF'), PDFDict).get(PDFName.of('F')));
    if (stream?.dict.get(PDFName.of('Subtype')) === undefined) lack('MIME type');
    const params = stream?.dict.lookupMaybe(PDFName.of('Params'), PDFDict);
    for (const key of ['CreationDate', 'ModDate']) if (text(params?.get(PDFName.of(key))) === '') lack(key);
    if (!(params?.get(PDFName.of('Size')) instanceof PDFNumber)) lack('size');
  }
  return problems;
}

function text(value) {
  return value instanceof PDFString || value instanceof PDFHexString ? value.decodeText() : '';
}
