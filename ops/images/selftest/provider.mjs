// The simulated provider of the demonstration, for the self-test: it stands where a real provider would, behind the gateway.
import { readFileSync } from 'node:fs';
import { startSimulatedProvider } from '../../../dist/apps/standalone/src/demo/provider.js';

const apiKey = readFileSync('/run/secrets/provider_key', 'utf8').trim();
const provider = await startSimulatedProvider({ host: '0.0.0.0', port: 8080, apiKey, pace: 5 });
console.log('the simulated provider listens on 8080');
process.once('SIGTERM', () => void provider.close().then(() => process.exit(0)));
