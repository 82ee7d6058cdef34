import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { packageRoot } from '#config';
import { createMetrics } from '#observability';
import { ensureDebian, missing } from '../../support/tools.mjs';

const path = (...parts: string[]): string => join(packageRoot, 'ops', ...parts);
const text = (...parts: string[]): string => readFileSync(path(...parts), 'utf8');

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}
const { groups } = parse(text('prometheus/alerts.yml')) as { groups: { rules: Alert[] }[] };
const alerts = groups.flatMap(({ rules }) => rules);

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}
interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
}
const dashboards = readdirSync(path('grafana/dashboards')).map((name) => JSON.parse(text('grafana/dashboards', name)) as Dashboard);

/** What the registry of a process offers, and what Prometheus adds to a histogram or summary. */
const offered = new Set(
  createMetrics({ service: 'test', version: '0', read: () => ({}) })
    .names()
    .flatMap((name) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]),
);
const metricsIn = (expression: string): string[] => expression.match(/\b(affiant|nodejs|process)_\w+/g) ?? [];

const promtool = (...args: string[]): { status: number | null; stdout: string; stderr: string } | null => {
  ensureDebian(() => spawnSync('promtool', ['--version']).error === undefined, ['prometheus']);
  const result = spawnSync('promtool', args, { encoding: 'utf8', cwd: path('prometheus') });
  if (result.error === undefined) return result;
  missing('promtool', `${result.error.message} (Debian package prometheus)`);
  return null;
};

describe('alerts', () => {
  it('are valid rules', ({ skip }) => {
    const checked = promtool('check', 'rules', 'alerts.yml');
    if (checked === null) skip();
    expect(checked).toMatchObject({ status: 0, stdout: expect.stringContaining(`${alerts.length} rules found`) });
    expect(promtool('check', 'config', '--syntax-only', 'prometheus.yml')).toMatchObject({ status: 0 });
  });

  it('fire when they must, and not when they must not', ({ skip }) => {
    const tested = promtool('test', 'rules', 'alerts.test.yml');
    if (tested === null) skip();
    expect(`${tested?.stdout}${tested?.stderr}`).toContain('SUCCESS');
    expect(tested?.status).toBe(0);
  });

  it('are each tested as they fire', () => {
    const tests = parse(text('prometheus/alerts.test.yml')) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[] }[];
    };
    const fired = new Set(
      tests.tests.flatMap(({ alert_rule_test }) =>
        alert_rule_test.filter(({ exp_alerts }) => (exp_alerts ?? []).length > 0).map(({ alertname }) => alertname),
      ),
    );
    expect([...fired].sort()).toEqual(alerts.map(({ alert }) => alert).sort());
  });

  it.each(alerts)('$alert has a runbook that says what it means and what to do', ({ alert, labels, annotations }) => {
    expect(labels.severity).toMatch(/^(page|ticket)$/);
    expect(annotations.runbook).toBe(`ops/runbooks/${alert}.md`);
    const runbook = readFileSync(join(packageRoot, annotations.runbook), 'utf8');
    for (const part of [`# ${alert}\n`, '**Means.**', '**Effect now.**', '**Do.**', '\n1. ']) expect(runbook).toContain(part);
  });

  it('have no runbook without an alert, but for what people notice', () => {
    const noticed = [
      'README.md',
      'KeyLost.md',
      'ContentKeyCompromised.md',
      'ContentKeyLost.md',
      'KeyCompromised.md',
      'OriginalsKeyLost.md',
    ];
    const pages = readdirSync(path('runbooks')).filter((name) => !noticed.includes(name));
    expect(pages.sort()).toEqual(alerts.map(({ alert }) => `${alert}.md`).sort());
  });
});

describe('metrics', () => {
  it('named by alerts, their tests, dashboards and runbooks exist', () => {
    const sources: [string, string][] = [
      ...alerts.map(({ alert, expr }): [string, string] => [alert, expr]),
      ['alerts.test.yml', text('prometheus/alerts.test.yml')],
      ...dashboards.flatMap(({ panels }) =>
        panels.map(({ title, targets }): [string, string] => [title, (targets ?? []).map(({ expr }) => expr).join(' ')]),
      ),
      ...readdirSync(path('runbooks')).map((name): [string, string] => [name, text('runbooks', name)]),
    ];
    const unknown = sources.flatMap(([where, expression]) =>
      metricsIn(expression)
        .filter((name) => !offered.has(name))
        .map((name) => `${where}: ${name}`),
    );
    expect(unknown).toEqual([]);
    expect(sources.flatMap(([, expression]) => metricsIn(expression)).length).toBeGreaterThan(50);
  });

  it('are each shown somewhere', () => {
    const shown = new Set(
      dashboards.flatMap(({ panels }) => panels.flatMap(({ targets }) => (targets ?? []).flatMap(({ expr }) => metricsIn(expr)))),
    );
    const ours = [...offered].filter((name) => name.startsWith('affiant_') && !/_(bucket|sum|count)$/.test(name));
    // When the last error was is for alerts; a panel of a point in time says nothing.
    const forAlerts = ['affiant_shipper_last_error_timestamp_seconds', 'affiant_siem_sink_last_error_timestamp_seconds'];
    expect(ours.filter((name) => !shown.has(name) && !forAlerts.includes(name))).toEqual([]);
  });
});

describe('dashboards', () => {
  it.each(dashboards)('$uid has panels that ask Prometheus something it accepts', ({ panels }) => {
    const asking = panels.filter(({ type }) => type !== 'row');
    expect(asking.length).toBeGreaterThan(10);
    for (const { title, targets } of asking) expect(targets?.length, title).toBeGreaterThan(0);
    const rules = {
      groups: [{ name: 'x', rules: asking.flatMap(({ targets }) => (targets ?? []).map(({ expr }, i) => ({ record: `x:${i}`, expr }))) }],
    };
    const file = join(mkdtempSync(join(tmpdir(), 'affiant-panels-')), 'rules.yml');
    writeFileSync(file, JSON.stringify(rules));
    const checked = promtool('check', 'rules', '--lint=none', file);
    rmSync(dirname(file), { recursive: true });
    if (checked === null) return;
    expect(checked).toMatchObject({ status: 0 });
  });

  it('are found by the provisioning of the Compose file', () => {
    expect(text('grafana/provisioning/dashboards/affiant.yml')).toContain('/var/lib/grafana/dashboards');
    expect(text('grafana/provisioning/datasources/prometheus.yml')).toContain('uid: affiant-prometheus');
    expect(existsSync(path('grafana/dashboards/evidence.json'))).toBe(true);
  });
});
