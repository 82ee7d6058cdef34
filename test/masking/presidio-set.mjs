// The public set: microsoft/presidio-research data/synth_dataset_v2.json (MIT, see data/LICENSE), byte for byte as published.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** Git's id of the file in that repository. */
export const BLOB = '3d13df5c55d57b1b548ee73585bc661779e938c0';

const TYPE_OF = {
  CREDIT_CARD: 'credit_card',
  US_SSN: 'us_ssn',
  IBAN_CODE: 'iban',
  EMAIL_ADDRESS: 'email',
  PHONE_NUMBER: 'phone',
  IP_ADDRESS: 'ip_address',
  PERSON: 'person',
  STREET_ADDRESS: 'street_address',
};

/** `[{ text, spans: [{ type, start, end }] }]`; offsets in UTF-16 units (the file counts code points). */
export function presidioSet() {
  const bytes = gunzipSync(readFileSync(new URL('data/synth_dataset_v2.json.gz', import.meta.url)));
  const id = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  if (id !== BLOB) throw new Error(`synth_dataset_v2.json is not the published file: ${id}`);
  return JSON.parse(bytes.toString()).map(({ full_text: text, spans }) => {
    const points = [...text];
    const unit = (point) => points.slice(0, point).join('').length;
    return {
      text,
      spans: spans
        .filter(({ entity_type }) => entity_type in TYPE_OF)
        .map(({ entity_type, start_position, end_position }) => ({
          type: TYPE_OF[entity_type],
          start: unit(start_position),
          end: unit(end_position),
        }))
        .sort((a, b) => a.start - b.start),
    };
  });
}
