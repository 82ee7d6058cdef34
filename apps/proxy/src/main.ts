import 'reflect-metadata';
import { engineFlagsForStart } from '#observability';

engineFlagsForStart();
const [{ runMain }, { proxyService }] = await Promise.all([import('#service'), import('./compose/proxy-service.js')]);
await runMain(proxyService);
