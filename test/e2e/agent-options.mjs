/** Options of the agent SDK for a run through the gateway, in a home and folder of its own. */
export const agentOptions = ({ limit, work, home, stderr, gateway, connection, bearer }) => ({
  abortController: limit,
  cwd: work,
  allowedTools: ['Bash'],
  maxTurns: 4,
  model: 'claude-simulated-1',
  settingSources: [],
  stderr: (line) => stderr.push(line),
  env: {
    PATH: process.env.PATH,
    HOME: home,
    ANTHROPIC_BASE_URL: `${gateway}/c/${connection}`,
    ANTHROPIC_AUTH_TOKEN: bearer,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    NO_PROXY: '127.0.0.1',
  },
});
