import { checkConfig, type AffiantConfig, type ConfigProblem, type PolicyConfig } from '#config';
import { compileRegex, isSlow } from '#detect';
import { compileInput } from './compile.js';
import { Locator } from './locate.js';
import { compilePolicySet } from './policy-set.js';

/** What `affiant policy check` reports. Lines and columns count from 1. */
export interface PolicyCheck {
  /** Each keeps the file from being used. */
  readonly problems: readonly ConfigProblem[];
  /** Each is worth a look; the file can be used. */
  readonly warnings: readonly ConfigProblem[];
  readonly policies: number;
  /** Hex SHA-256 the policies would be published under; null when there are problems. */
  readonly digest: string | null;
}

/** Texts no policy should react to. */
const ORDINARY = ['', 'a', 'Hello, how can I help you today?', '{"path":"README.md"}', 'SELECT 1'];

/** Values no one expression means. */
const UNLIKE = ['4111111111111111', 'ann@bank.example', 'DE89370400440532013000'];

/** Checks a configuration file's text: syntax, keys, values, regular expressions, names, and what is probably not meant. */
export function checkPolicyFile(text: string): PolicyCheck {
  const { config, problems } = checkConfig(text);
  if (config === null) return { problems, warnings: [], policies: 0, digest: null };
  const locator = new Locator(text);
  const compiled = compileInput(config);
  if (compiled.problems.length > 0) {
    const located = compiled.problems.map(({ path, message }) => ({ ...locator.find(path), path, message }));
    return { problems: located, warnings: [], policies: config.policies.length, digest: null };
  }
  return {
    problems: [],
    warnings: warningsOf(config, compiled).map(({ path, message }) => ({ ...locator.find(path), path, message })),
    policies: config.policies.length,
    digest: compilePolicySet(config, 'check').digest,
  };
}

/** Where another policy that always applies keeps what this one gives back. */
function keptBack(policies: AffiantConfig['policies'], { name, detect, restore }: PolicyConfig): string[] {
  const everywhere = policies.filter(
    (other) => other.name !== name && other.connections === undefined && other.principals === undefined && other.when === undefined,
  );
  return (restore ?? []).flatMap((place) =>
    everywhere
      .filter((other) => other.restore?.includes(place) !== true)
      .filter((other) => {
        const answer = place === 'text' ? other.response : (other.tool_input ?? 'block');
        return [other.request, answer].some((action) => action !== undefined && action !== 'allow');
      })
      .flatMap((other) => {
        const types = (detect ?? []).filter((type) => other.detect?.includes(type));
        return types.length === 0 ? [] : [`${place}: policy "${other.name}" does not restore ${types.join(', ')}, so it stays masked`];
      }),
  );
}

function warningsOf(config: AffiantConfig, compiled: ReturnType<typeof compileInput>): { path: string; message: string }[] {
  const warnings: { path: string; message: string }[] = [];
  const connections = new Set(config.connections.map(({ name }) => name));
  const detected = new Set(config.policies.flatMap(({ detect }) => detect ?? []));
  if (config.policies.length === 0) warnings.push({ path: '', message: 'there is no policy: everything passes' });
  for (const [index, policy] of config.policies.entries()) {
    const path = `policies[${index}]`;
    for (const name of policy.connections ?? []) {
      if (connections.size > 0 && !connections.has(name))
        warnings.push({ path: `${path}.connections`, message: `there is no connection "${name}": the policy never applies there` });
    }
    const { text: regex, tool } = compiled.policies[index]?.condition ?? {};
    if (regex !== undefined && tool === undefined && ORDINARY.slice(1).every((text) => regex.test(text))) {
      warnings.push({ path: `${path}.when`, message: 'its regular expression matches any text' });
    }
    if (policy.action === 'allow')
      warnings.push({ path: `${path}.action`, message: 'allow changes nothing: a stronger policy always wins' });
    if (policy.tool_input === 'mask')
      warnings.push({ path: `${path}.tool_input`, message: 'masking a tool input changes what is executed' });
    if (policy.restore?.includes('tool_input') === true)
      warnings.push({
        path: `${path}.restore`,
        message: 'a model can be led to write a placeholder into the input of a tool that sends it elsewhere: the value goes with it',
      });
    for (const kept of keptBack(config.policies, policy)) warnings.push({ path: `${path}.restore`, message: kept });
    for (const [at, source] of (policy.except_regex ?? []).entries()) {
      if (UNLIKE.every((value) => compileRegex(source, policy.name).matches(value)))
        warnings.push({ path: `${path}.except_regex[${at}]`, message: 'it excepts any value' });
    }
    if (
      policy.request === 'block' &&
      policy.detect?.some((type) => type === 'email' || type === 'phone' || type === 'ip_address') === true
    ) {
      warnings.push({ path: `${path}.request`, message: 'blocking on e-mail, phone or IP addresses stops much ordinary work' });
    }
  }
  for (const [index, { name }] of config.patterns.entries()) {
    if (!detected.has(name)) warnings.push({ path: `patterns[${index}]`, message: `no policy detects "${name}"` });
    const pattern = compiled.patterns[index];
    if (pattern?.kind === 'regex' && pattern.context.length === 0 && ORDINARY.slice(2).every((text) => pattern.regex.test(text))) {
      warnings.push({ path: `patterns[${index}].regex`, message: 'it matches ordinary text' });
    }
    if (pattern?.kind === 'regex' && isSlow(pattern)) {
      const message =
        'it is slow on long words or rows that nearly match, and holds others up: put a bound on its repetitions, like {1,20}';
      warnings.push({ path: `patterns[${index}].regex`, message });
    }
  }
  return warnings;
}
