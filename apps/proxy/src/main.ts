import 'reflect-metadata';
import { runMain } from '#service';
import { proxyService } from './compose/proxy-service.js';

await runMain(proxyService);
