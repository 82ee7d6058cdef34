import { ledgerStoreContract } from '../contract/ledger-store.contract.js';
import { openEmbedded } from '../testing/open-embedded.js';

ledgerStoreContract('embedded ClickHouse', () => openEmbedded());
