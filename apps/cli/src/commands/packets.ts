import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { PacketRecord } from '#catalogue';
import { AffiantError } from '#errors';
import { Instance } from '../instance.js';
import { printFields, printJson, printTable, say } from '../output.js';
import { instant, online, type AddCommand, type CommonOptions } from './options.js';

export const addPackets: AddCommand = (program, finding) => {
  const packet = program.command('packet').description('Evidence packets');

  online(packet.command('create'))
    .description('Make a packet over a period and wait until it is done')
    .requiredOption('--framework <name>', 'ffiec or nist-800-53')
    .requiredOption('--from <instant>', 'beginning of the period, included (ISO 8601)')
    .requiredOption('--to <instant>', 'end of the period, excluded (ISO 8601)')
    .option('--no-wait', 'return when the job is queued')
    .action(async (options: CommonOptions & { framework: string; from: string; to: string; wait: boolean }) => {
      const instance = await Instance.connect(options);
      let { packet: record } = await instance.post<{ packet: PacketRecord }>('/api/v1/packets', {
        framework: options.framework,
        from: instant(options.from),
        to: instant(options.to),
      });
      for (let told = ''; options.wait && (record.state === 'queued' || record.state === 'running');) {
        const line = `${Math.round(record.progress * 100)} % ${record.step}`;
        if (line !== told) say(line);
        told = line;
        await delay(200);
        ({ packet: record } = await instance.get<{ packet: PacketRecord }>(`/api/v1/packets/${encodeURIComponent(record.id)}`));
      }
      if (options.json === true) printJson(record);
      else printFields({ ...record });
      if (record.state === 'failed' || record.state === 'refused') finding();
    });

  online(packet.command('list'))
    .description('The latest packets')
    .action(async (options: CommonOptions) => {
      const { packets: rows } = await (await Instance.connect(options)).get<{ packets: PacketRecord[] }>('/api/v1/packets');
      if (options.json === true) printJson(rows);
      else
        printTable(
          rows.map((row) => ({ ...row })),
          ['id', 'framework', 'from', 'to', 'state', 'tree_size', 'bytes', 'path'],
        );
    });

  online(packet.command('show'))
    .description('One packet: its state, digest, verdict counts and path')
    .argument('<id>')
    .action(async (id: string, options: CommonOptions) => {
      const { packet: record } = await (
        await Instance.connect(options)
      ).get<{ packet: PacketRecord }>(`/api/v1/packets/${encodeURIComponent(id)}`);
      if (options.json === true) printJson(record);
      else printFields({ ...record });
    });

  online(packet.command('download'))
    .description('The finished file; the download is recorded')
    .argument('<id>')
    .requiredOption('--out <file>', 'where to put it')
    .action(async (id: string, options: CommonOptions & { out: string }) => {
      const response = await (await Instance.connect(options)).send(`/api/v1/packets/${encodeURIComponent(id)}/download`);
      const bytes = Buffer.from(await response.arrayBuffer());
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      if (sha256 !== response.headers.get('x-affiant-sha256'))
        throw new AffiantError('packet_invalid', 'what arrived is not what was sent');
      await writeFile(options.out, bytes);
      if (options.json === true) printJson({ file: options.out, bytes: bytes.length, sha256 });
      else printFields({ file: options.out, bytes: bytes.length, sha256 });
    });
};
