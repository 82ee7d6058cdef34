import { describe, expect, it } from 'vitest';
import { fuzz, type FuzzTarget } from '../../../test/support/fuzz.mjs';
import { parseStampPath, readCertificates, stampPath, stampTime, verifyStamp } from './index.js';
import { ROOT_PEM, STAMP, STAMPED } from './testing/a-stamp.fixture.js';

const data = Buffer.from(STAMPED);
const roots = readCertificates(ROOT_PEM);
const good = await verifyStamp({ response: STAMP, data, roots });

const targets: FuzzTarget[] = [
  { name: 'the time of a stamp', seeds: [STAMP], codes: ['timestamp_invalid', 'timestamp_unavailable'], parse: stampTime, share: 0.3 },
  {
    name: 'a stamp with its chain',
    seeds: [STAMP],
    codes: ['timestamp_invalid', 'timestamp_unavailable'],
    share: 0.2,
    parse: async (response) => expect(await verifyStamp({ response, data, roots })).toEqual(good),
  },
  { name: 'pinned roots', seeds: [Buffer.from(ROOT_PEM)], codes: ['timestamp_invalid'], parse: (pem) => readCertificates(pem.toString()) },
  {
    name: 'the place of a stamp',
    seeds: [Buffer.from('stamps/42/freetsa-0-until-20361123T070719Z.tsr')],
    codes: [],
    parse: (path) => {
      const text = path.toString('latin1');
      const place = parseStampPath(text);
      if (place === null || text.length > 300) return;
      // A day that no calendar has is read as the day that it comes to, as Date does: the path of that is another.
      expect(parseStampPath(stampPath(place))).toEqual(place);
    },
  },
];

describe('whatever bytes stand for a time stamp', () => {
  it.each(targets)('$name: read, or refused with a typed error', async (target) => {
    const { accepted } = await fuzz(target);
    expect(accepted).toBeGreaterThan(0);
  });
});
