import 'reflect-metadata';
import { runMain } from '#service';
import { evidenceService } from './compose/evidence-service.js';

await runMain(evidenceService);
