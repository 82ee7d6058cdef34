import { describe, expect, it } from 'vitest';
import { ledgerStoreContract } from '../contract/ledger-store.contract.js';
import { FakeLedgerStore } from './fake-ledger-store.js';
import { sampleEvents } from './sample-rows.js';

ledgerStoreContract('fake', async () => ({ store: new FakeLedgerStore(), close: async () => undefined }));

describe('fake ledger store', () => {
  it('fails before or after it applied, once each', async () => {
    const store = new FakeLedgerStore();
    const rows = sampleEvents(1, 2);
    store.failNext('appendEvents', 'before');
    store.failNext('appendEvents', 'after');
    await expect(store.appendEvents('t', rows)).rejects.toMatchObject({ code: 'engine_failed' });
    expect(store.events).toHaveLength(0);
    await expect(store.appendEvents('t', rows)).rejects.toMatchObject({ code: 'engine_failed' });
    expect(store.events).toHaveLength(2);
    await store.appendEvents('t', rows);
    expect(store.events).toHaveLength(2);
    expect(store.calls).toEqual(['appendEvents t', 'appendEvents t', 'appendEvents t']);
  });
});
