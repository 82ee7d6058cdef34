import 'reflect-metadata';
import { runMain } from '#service';
import { consoleService } from './compose/console-service.js';

await runMain(consoleService);
