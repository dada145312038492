import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent } from './agent.mjs';
import { check, done, target } from './check.mjs';

const agent = new Agent();
const home = join(agent.home, 'codex');
mkdirSync(home);
const config = (catalogue) => `
model_provider = "og"
check_for_update_on_startup = false
${catalogue ? `model_catalog_json = ${JSON.stringify(join(home, 'models.json'))}` : ''}
[model_providers.og]
name = "OpenGateway"
base_url = "${target.url}/v1"
env_key = "OG_API_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
[analytics]
enabled = false
`;
const codex = async (model, prompt, { key = target.key, args = [] } = {}) => {
  const ended = await agent.run(['exec', '--skip-git-repo-check', '--json', '--model', model, ...args, prompt], { CODEX_HOME: home, OG_API_KEY: key });
  return {
    ...ended,
    events: ended.stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line)),
  };
};
const messageIn = ({ events }) => events.findLast((event) => event.item?.type === 'agent_message')?.item.text;
/** Its own sandbox would ask for rights of the kernel that a test machine may not give; the directory is a temporary one. */
const FREE = '--dangerously-bypass-approvals-and-sandbox';

writeFileSync(join(home, 'config.toml'), config(false));
const said = await codex('sandbox/echo', 'print hello');
check(said.code === 0 && messageIn(said) === 'print hello', 'codex exec ends well and prints the answer', said);
check(said.events.at(-1).type === 'turn.completed' && said.events.at(-1).usage.input_tokens > 0, 'with usage', said.events.at(-1));

// The list of models in Codex's own shape: with it nothing is unknown.
const listed = await fetch(`${target.url}/v1/models?client_version=0.171.0`, { headers: { authorization: `Bearer ${target.key}` } });
writeFileSync(join(home, 'models.json'), await listed.text());
writeFileSync(join(home, 'config.toml'), config(true));
const known = await codex('sandbox/echo', 'print hello');
check(known.code === 0 && messageIn(known) === 'print hello', 'the list of models is read', known);
check(!/metadata .* not found/i.test(known.stdout + known.stderr), 'a model of the catalogue is no unknown model', known);

const ran = await codex('sandbox/tools', 'call exec_command {"cmd":"echo ran-$((40+2)) > proof.txt; cat proof.txt"}', { args: [FREE] });
check(ran.code === 0, 'a tool loop ends well', ran);
const proof = join(agent.directory, 'proof.txt');
check(existsSync(proof) && readFileSync(proof, 'utf8').trim() === 'ran-42', 'the tool ran', ran);
check(/^The tool answered: [^]*ran-42/.test(messageIn(ran)), 'its result came back to the model', ran.events);

const thought = await codex('sandbox/reasoning', 'think of it', { args: ['-c', 'model_reasoning_effort="low"'] });
check(thought.code === 0 && messageIn(thought) === 'think of it', 'a model that thinks', thought);

const broke = await codex('sandbox/echo', 'no money', { key: target.poorKey });
check(broke.code !== null && broke.code !== 0 && /credit|402|quota/i.test(broke.stdout), '402 ends it, in its own words', broke);

const cut = await codex('sandbox/stream-cut', 'a cut stream');
check(cut.code !== null && cut.code !== 0 && cut.events.at(-1).type === 'turn.failed', 'a cut stream is no success', cut);

done();
