import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent } from './agent.mjs';
import { check, done, target } from './check.mjs';

const agent = new Agent();
const claude = (model, prompt, { key = target.key, args = [] } = {}) =>
  agent.run([...'-p --output-format json --model'.split(' '), model, ...args, '--', prompt], {
    CLAUDE_CONFIG_DIR: join(agent.home, 'claude'),
    ANTHROPIC_BASE_URL: target.url,
    ANTHROPIC_AUTH_TOKEN: key,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
    DISABLE_AUTOUPDATER: '1',
    // Root may not skip permissions; tools are allowed one by one.
    CLAUDE_CODE_MAX_RETRIES: '1',
  });

const said = await claude('sandbox/echo', 'say hi');
check(said.code === 0, 'claude -p ends well', said);
const answer = JSON.parse(said.stdout);
check(answer.is_error === false && answer.result.endsWith('say hi'), 'and prints the answer', answer);
check(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0, 'with usage', answer.usage);

const ran = await claude('sandbox/tools', 'call Bash {"command":"echo ran-$((40+2)) > proof.txt; cat proof.txt"}', { args: ['--allowedTools', 'Bash(*)'] });
check(ran.code === 0, 'a tool loop ends well', ran);
const proof = join(agent.directory, 'proof.txt');
check(existsSync(proof) && readFileSync(proof, 'utf8').trim() === 'ran-42', 'the tool ran', ran);
check(JSON.parse(ran.stdout).result === 'The tool answered: ran-42', 'its result came back to the model', ran.stdout);

const thought = await claude('sandbox/reasoning', 'think of it');
check(thought.code === 0 && JSON.parse(thought.stdout).result.endsWith('think of it'), 'a model that thinks', thought);

const broke = await claude('sandbox/echo', 'no money', { key: target.poorKey });
check(
  broke.code !== null && JSON.parse(broke.stdout).is_error === true && JSON.parse(broke.stdout).result.includes('402'),
  '402 ends it, in its own words',
  broke,
);

const lost = await claude('sandbox/ecko', 'no such model');
check(lost.code !== null && JSON.parse(lost.stdout).is_error === true, 'an unknown model ends it', lost);

done();
