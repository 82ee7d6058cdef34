import type { AffiantConfig } from '#config';
import type { Standalone } from './compose/standalone.js';

/** What a person sees when it serves. The first line is what scripts wait for. */
export function greeting(standalone: Standalone, config: AffiantConfig, demo: boolean): string {
  const connection = config.connections[0]?.name ?? '<connection>';
  const lines = [
    `affiant ready: gateway ${standalone.gatewayUrl}, console ${standalone.consoleUrl}`,
    '',
    `  state       ${standalone.stateDirectory}`,
    `  gateway     ${standalone.gatewayUrl}/c/${connection}`,
    `  console     ${standalone.consoleUrl}  (API, SQL endpoint at /sql)`,
    ...(standalone.issuerUrl === null ? [] : [`  issuer      ${standalone.issuerUrl}  (development only)`]),
    '',
    '  put Claude Code behind it:',
    `    export ANTHROPIC_BASE_URL=${standalone.gatewayUrl}/c/${connection}`,
    standalone.issuerUrl === null
      ? '    export ANTHROPIC_AUTH_TOKEN=<access token of your issuer>'
      : '    export ANTHROPIC_AUTH_TOKEN=$(npx affiant token --subject "$USER" --group engineering)',
    '    export CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1',
    '  ask the history:',
    `    npx affiant sql "SELECT started_at, principal_subject, verdict, outcome FROM audit.exchanges ORDER BY started_at DESC LIMIT 10"`,
    ...(demo ? ['', '  demonstration with a simulated provider:'] : []),
    '',
  ];
  return `${lines.join('\n')}\n`;
}

export const farewell = (): string => 'affiant: stopping; streams finish, the journal is sealed\n';
