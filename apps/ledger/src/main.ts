import 'reflect-metadata';
import { runMain } from '#service';
import { ledgerService } from './compose/ledger-service.js';

await runMain(ledgerService);
