import { describe, expect, it } from 'vitest';
import { fuzz } from '../../../test/support/fuzz.mjs';
import { parseAddCheckpoint } from './request.js';

describe('whatever bytes a client sends', () => {
  it('are a request or refused', async () => {
    const hash = Buffer.alloc(32, 9).toString('base64');
    const { accepted } = await fuzz({
      name: 'add-checkpoint',
      seeds: [`old 0\n\nnote`, `old 100\n${`${hash}\n`.repeat(5)}\naffiant.example/ledger\n300\n${hash}\n\n— a b\n`].map((text) =>
        Buffer.from(text),
      ),
      codes: ['body_invalid'],
      parse: parseAddCheckpoint,
    });
    expect(accepted).toBeGreaterThan(0);
  });
});
