import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkConfig, packageRoot } from '#config';
import { goTool } from '../../support/go-tool.mjs';

const chart = join(packageRoot, 'ops/helm/affiant');
const SERVICES = ['proxy', 'ledger', 'evidence', 'console'];

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly securityContext?: object;
  readonly resources?: object;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}
interface PodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly securityContext?: object;
  readonly terminationGracePeriodSeconds?: number;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes: readonly {
    readonly name: string;
    readonly projected?: { readonly sources: readonly { readonly secret: { readonly name: string } }[] };
  }[];
}
interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly replicas?: number;
    readonly podSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly object[];
    readonly egress?: readonly object[];
    readonly template: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }; readonly spec: PodSpec };
  };
}

let tool: string | null;
let directory: string;
let objects: readonly Rendered[] = [];

function render(values: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(tool ?? 'false', [chart, values, 'ServiceMonitor'], { encoding: 'utf8', maxBuffer: 1 << 26 });
}
function renderText(text: string): ReturnType<typeof render> {
  const file = join(directory, 'values.yaml');
  writeFileSync(file, text);
  return render(file);
}
const of = (kind: string): readonly Rendered[] => objects.filter((object) => object.kind === kind);
const named = (kind: string, name: string): Rendered => {
  const found = of(kind).find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
};

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'affiant-helm-'));
  tool = goTool('helmcheck');
  if (tool === null) return;
  const { status, stdout, stderr } = render(join(chart, 'ci/full-values.yaml'));
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  objects = (JSON.parse(stdout) as { objects: readonly Rendered[] }).objects;
}, 600_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the chart', () => {
  it('passes helm lint, and every object the Kubernetes API types, strictly', ({ skip }) => {
    if (tool === null) skip();
    const kinds = [...new Set(objects.map(({ kind }) => kind))].sort();
    expect(kinds).toEqual([
      'ConfigMap',
      'HorizontalPodAutoscaler',
      'Job',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Service',
      'ServiceAccount',
      'ServiceMonitor',
      'StatefulSet',
    ]);
  });

  it('runs every pod under the restricted pod security standard', ({ skip }) => {
    if (tool === null) skip();
    const pods = [...of('StatefulSet'), ...of('Job')].map(({ spec }) => spec.template.spec);
    expect(pods).toHaveLength(5);
    for (const pod of pods) {
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } });
      for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(container.resources).toHaveProperty('limits.memory');
        for (const mount of container.volumeMounts) if (!['state', 'tmp'].includes(mount.name)) expect(mount.readOnly).toBe(true);
      }
    }
  });

  it('gives each service a journal of its own that outlives it, and time to drain', ({ skip }) => {
    if (tool === null) skip();
    for (const service of SERVICES) {
      const { spec } = named('StatefulSet', `affiant-${service}`);
      expect(spec).toMatchObject({ persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' } });
      // preStop 5 + drain 30 + what the stop still records.
      expect(spec.template.spec.terminationGracePeriodSeconds).toBe(60);
      expect(spec.template.metadata.annotations?.['checksum/config']).toMatch(/^[0-9a-f]{64}$/);
      expect(spec.template.spec.containers[0]?.args[0]).toBe(`dist/apps/${service}/src/main.js`);
    }
    expect(named('StatefulSet', 'affiant-proxy').spec.replicas).toBeUndefined();
  });

  it('mounts the Secrets a service is given, and no other', ({ skip }) => {
    if (tool === null) skip();
    const secrets = (object: Rendered): string[] =>
      object.spec.template.spec.volumes.flatMap(({ projected }) => projected?.sources.map(({ secret }) => secret.name) ?? []);
    expect(secrets(named('StatefulSet', 'affiant-proxy'))).toEqual(['affiant-engines', 'affiant-providers', 'affiant-keys-proxy']);
    // The logins that delete, and the keys of the log and of content.
    expect(secrets(named('StatefulSet', 'affiant-ledger'))).toEqual(['affiant-engines', 'affiant-maintenance', 'affiant-keys-ledger']);
    expect(secrets(named('StatefulSet', 'affiant-evidence'))).toEqual(['affiant-engines', 'affiant-keys-evidence']);
    expect(secrets(named('StatefulSet', 'affiant-console'))).toEqual(['affiant-engines', 'affiant-keys-console']);
    expect(secrets(named('Job', 'affiant-migrate'))).toEqual(['affiant-engines', 'affiant-migrator']);
  });

  it('writes a configuration the product accepts, with the drain the grace period allows', ({ skip }) => {
    if (tool === null) skip();
    for (const name of ['affiant-config', 'affiant-migrate']) {
      const { config, problems } = checkConfig(named('ConfigMap', name).data?.['affiant.yaml'] ?? '');
      expect(problems).toEqual([]);
      expect(config?.clickhouse).toMatchObject({ migrator: { user: 'affiant_migrator' }, eraser: { user: 'affiant_eraser' } });
      expect(config?.erasure).toEqual({ request: ['privacy'], approve: ['compliance'] });
      expect(config?.server).toMatchObject({ host: '0.0.0.0', drain_timeout: 30_000, metrics_port: 8483 });
    }
    expect(named('ConfigMap', 'affiant-migrate').metadata.annotations?.['helm.sh/hook']).toBe('pre-install,pre-upgrade');
  });

  it('denies all traffic but what is named', ({ skip }) => {
    if (tool === null) skip();
    const deny = named('NetworkPolicy', 'affiant-default-deny').spec;
    expect(deny).toEqual({
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'affiant', 'app.kubernetes.io/instance': 'affiant' } },
      policyTypes: ['Ingress', 'Egress'],
    });
    const ports = (service: string): unknown[] =>
      (named('NetworkPolicy', `affiant-${service}`).spec.ingress as { ports: { port: string }[] }[]).flatMap((rule) =>
        rule.ports.map(({ port }) => port),
      );
    expect(SERVICES.map(ports)).toEqual([['gateway', 'metrics'], ['metrics'], ['metrics'], ['console', 'metrics']]);
    const egress = (service: string): number => named('NetworkPolicy', `affiant-${service}`).spec.egress?.length ?? 0;
    expect(SERVICES.map(egress)).toEqual([2, 1, 0, 1]);
  });

  const base = `
image: { repository: r.example.com/affiant, tag: '1' }
existingSecrets: [a]
config: { kafka: { brokers: ['k:9092'] }, clickhouse: {}, postgres: {}, redis: {}, object_store: {} }
`;
  it('lets nobody in by default', ({ skip }) => {
    if (tool === null) skip();
    const { status, stdout } = renderText(base);
    expect(status).toBe(0);
    const policies = (JSON.parse(stdout) as { objects: Rendered[] }).objects.filter(({ kind }) => kind === 'NetworkPolicy');
    for (const { spec } of policies) expect(spec.ingress ?? []).toEqual([]);
  });

  it.each([
    ['no image', base.replace('r.example.com/affiant', ''), 'image.repository'],
    ['a floating tag', base.replace("tag: '1'", "tag: ''"), 'image.tag or image.digest'],
    ['no configuration', base.replace(/config: .*\n/, 'config: {}\n'), 'config'],
    ['a configuration of standalone mode', base.replace('redis: {}, ', ''), 'config.redis is missing'],
    ['a source for all pods', base.replace('config: {', 'config: { source: one,'), 'config.source must not be set'],
    ['a value it does not know', `${base}replicas: 3\n`, 'replicas'],
    ['a negative drain', `${base}drainSeconds: 0\n`, 'drainSeconds'],
  ])('refuses %s', (_, values, reason) => {
    if (tool === null) return;
    const { status, stderr } = renderText(values);
    expect(status).toBe(1);
    expect(stderr).toContain(reason);
  });
});
