import { readFile } from 'node:fs/promises';
import { AffiantError } from '#errors';
import { verifyPacket } from '#apps/evidence';
import { printJson } from '../output.js';
import { readText } from './policy.js';
import { common, type AddCommand, type CommonOptions } from './options.js';

export const addVerify: AddCommand = (program, finding) => {
  common(program.command('verify'))
    .description('Verify a packet offline; exit code 1 when it does not verify')
    .argument('<file>', 'the packet (PDF)')
    .option('--key <file>', "file with the log's public key (vkey), got from elsewhere than the packet")
    .action(async (file: string, options: CommonOptions & { key?: string }) => {
      const vkey = options.key === undefined ? undefined : (await readText(options.key)).trim();
      const report = await verifyPacket(await readBytes(file), vkey === undefined ? {} : { vkey });
      if (options.json === true) printJson(report);
      else process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
      if (!report.ok) finding();
    });
};

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new AffiantError('usage_invalid', 'the file cannot be read', { where: file, cause, remedy: 'Name an existing, readable file.' });
  }
}
